"""`event verify`, `event checkpoint` and `event receipt`: proof."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from ostiary.cli.answers import text
from ostiary.cli.failures import FAILED, Failure, usage
from ostiary.cli.invocation import Invocation
from ostiary.cli.options import Verb, database_url_option, own_database_url_option
from ostiary.cli.output.column import Column, columns, microsecond
from ostiary.core.chain import FAULTS

if TYPE_CHECKING:
    from ostiary.authority import Authority
    from ostiary.core.trail_check import Checkpoint, TrailReport

FINDINGS: Final = columns("position", "fault", "kind", Column("at", "at", microsecond), "meaning")
VERIFIED: Final = tuple(
    Column(name, name)
    for name in ("is_sound", "events", "purged", "forgotten", "unsealed", "faults", "checkpoint", "number", "hash")
)
AGREEMENT: Final = {
    "agrees": "The chain is the one that the checkpoint was taken of.",
    "purged": "Retention has taken away what the checkpoint was taken of: it says nothing any more.",
    "differs": "The chain is NOT the one that the checkpoint was taken of: it was made anew.",
    "ahead": "The chain is SHORTER than the one that the checkpoint was taken of.",
}

jwks_option = click.option("--jwks", metavar="FILE", help="The keys that verify it, kept from /.well-known/jwks.json.")


@click.command(cls=Verb)
@click.option("--checkpoint", "path", metavar="FILE", help="Compare with a checkpoint that was taken before.")
@jwks_option
@own_database_url_option
@click.pass_obj
def verify(invocation: Invocation, path: str | None, jwks: str | None, database_url: str | None) -> int:
    """Compare every event in the database with what was sealed of it, and name each that differs.

    Works on the database itself, not through the server that is being looked at. Whoever can write to the database can
    make the whole chain anew: compare with a checkpoint that was kept elsewhere. Exits with 1 when something is wrong.

    \b
    Examples:
      ostiary event verify
      ostiary event verify --checkpoint monday.jws --jwks keys.json
    """
    from ostiary.cli.database import operator, run

    if jwks is not None and path is None:
        raise usage("--jwks belongs to --checkpoint")

    async def act(authority: Authority) -> TrailReport:
        point = None if path is None else await _checkpoint(authority, path, jwks)
        return await authority.evidence.verify(by=operator(), checkpoint=point)

    report = run(database_url, act)
    if invocation.form == "table":
        _tell(invocation, report)
    else:
        invocation.show_one({**_summary(report), "findings": _findings(report)}, VERIFIED)
    return 0 if report.is_sound else FAILED


async def _checkpoint(authority: Authority, path: str, jwks: str | None) -> Checkpoint:
    from ostiary.cli.signed import read_keys, read_signed
    from ostiary.core.statement import CHECKPOINT, read_checkpoint

    keys = read_keys(jwks) if jwks is not None else await authority.receipts.key_set()
    try:
        return read_checkpoint(read_signed(path, keys, CHECKPOINT))
    except ValueError as why:
        raise usage(f"{path}: {why}") from None


def _summary(report: TrailReport) -> dict[str, object]:
    return {
        "is_sound": report.is_sound,
        "events": report.intact,
        "purged": report.purged,
        "forgotten": report.forgotten,
        "unsealed": report.unsealed,
        "faults": report.faults,
        "checkpoint": report.checkpoint,
        "number": report.head.number if report.head else None,
        "hash": report.head.hash.hex() if report.head else None,
    }


def _findings(report: TrailReport) -> list[dict[str, object]]:
    return [
        {
            "position": one.position,
            "fault": one.fault,
            "kind": one.kind,
            "at": one.at.isoformat() if one.at else None,
            "meaning": FAULTS[one.fault],
        }
        for one in report.findings
    ]


def _tell(invocation: Invocation, report: TrailReport) -> None:
    if report.findings:
        invocation.show(_findings(report), FINDINGS)
    if report.faults > len(report.findings):
        invocation.warn(f"and {report.faults - len(report.findings)} more")
    invocation.say(
        f"{report.intact} events are as they were sealed; of {report.forgotten} what was personal is forgotten; "
        f"{report.purged} were taken away by retention; {report.unsealed} are not sealed yet."
    )
    if report.checkpoint is not None:
        (invocation.say if report.is_sound else invocation.warn)(AGREEMENT[report.checkpoint])
    if not report.is_sound:
        invocation.warn(f"The trail was tampered with: {report.faults} faults.")


@click.command(cls=Verb)
@own_database_url_option
@click.pass_obj
def checkpoint(invocation: Invocation, database_url: str | None) -> None:
    """Write a signed checkpoint of the trail to stdout: a number and a hash that cover every event before.

    Keep it, and the keys, where nobody who can write to the database can write.

    \b
    Examples:
      ostiary event checkpoint > monday.jws
    """
    from ostiary.cli.database import operator, run

    invocation.write(f"{run(database_url, lambda it: it.receipts.checkpoint(by=operator()))}\n")


@click.command(cls=Verb)
@click.argument("wanted", metavar="[ID]", required=False)
@click.option("--verify", "path", metavar="FILE", help="Read a receipt, and verify it with the keys of --jwks.")
@jwks_option
@database_url_option
@click.pass_obj
def receipt(invocation: Invocation, wanted: str | None, path: str | None, jwks: str | None) -> None:
    """Write the signed receipt of an ending to stdout: who ended which sessions, when and why.

    ID is the session's, or the position of the event. With --verify it asks nobody: whoever has the receipt and the
    keys can read it, wherever they are.

    \b
    Examples:
      ostiary event receipt sess_k3v7mzpq2w4x6y7a2b3c4d5e6f > receipt.jws
      ostiary event receipt --verify receipt.jws --jwks keys.json
    """
    if path is not None:
        if wanted is not None or jwks is None:
            raise usage("--verify FILE needs --jwks FILE, and no ID")
        _show_receipt(invocation, path, jwks)
        return
    if wanted is None or jwks is not None:
        raise usage("name a session or an event; --jwks belongs to --verify")
    found = text(invocation.administration().ask("receipt_of_ending", event_id=wanted), "receipt")
    if not found:
        raise Failure("the server sent no receipt")
    invocation.write(f"{found}\n")


def _show_receipt(invocation: Invocation, path: str, jwks: str) -> None:
    from ostiary.cli.signed import read_keys, read_signed
    from ostiary.core.statement import RECEIPT

    claims = read_signed(path, read_keys(jwks), RECEIPT)
    if invocation.form != "table":
        invocation.show_one(claims, tuple(Column(name, name) for name in ("sub", "iss", "iat")))
        return
    ending, act = claims.get("ending"), claims.get("act")
    flat = {"issuer": claims.get("iss"), **(ending if isinstance(ending, dict) else {})}
    if isinstance(act, dict):
        flat["sessions"] = act.get("count")
    names = ("issuer", "position", "session_id", "user_id", "at", "reason", "by", "request_id", "sessions")
    invocation.show_one(flat, tuple(Column(name, name) for name in names))
    invocation.say(invocation.paint("✓ The signature is right.", "green", _stderr()))


def _stderr() -> Any:
    import sys

    return sys.stderr
