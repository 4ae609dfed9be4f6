"""What came of a run: rows, the table, the aims as met or not, `results/latest.json` and `docs/benchmarks.md`."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bench.contender import HERE, Contender, Work
from bench.running import machine

RESULTS = HERE / "results" / "latest.json"
PAGE = HERE.parent / "docs" / "benchmarks.md"
BEGIN, END = "<!-- figures: written by `make bench` from here -->", "<!-- to here -->"

Row = dict[str, Any]


def rows_of(contenders: Iterable[Contender], ceiling: float) -> list[Row]:
    """A row for each work of each contender; for one that failed, a row that says why."""
    rows: list[Row] = []
    for contender in contenders:
        if contender.failure:
            rows.append(_row(contender, "verify", failure=contender.failure))
        for work in contender.works:
            if not work.rounds:
                rows.append(_row(contender, work.name, failure=work.failure or "not measured"))
                continue
            rows.append(_row(contender, work.name, **_figures(work, ceiling)))
    return rows


def _figures(work: Work, ceiling: float) -> Row:
    rates = [one.rps for one in work.rounds]
    return {
        "rps": round(work.rps, 1),
        "rps_lowest": round(min(rates), 1),
        "rps_highest": round(max(rates), 1),
        "p50_ms": round(statistics.median(one.p50_ms for one in work.rounds), 3),
        "p99_ms": round(statistics.median(one.p99_ms for one in work.rounds), 3),
        "cpu_us": round(statistics.median(work.costs), 1),
        "ratio_to_ceiling": round(work.rps / ceiling, 4) if ceiling else None,
        "failure": work.failure,
    }


def _row(contender: Contender, work: str, **more: Any) -> Row:
    row: Row = {
        "contender": contender.name, "store": contender.store, "work": work,
        "rps": None, "p50_ms": None, "p99_ms": None, "ratio_to_ceiling": None,
        "memory_mib": round(contender.memory_mib, 1) or None, "note": contender.note,
    }  # fmt: skip
    if contender.lags and work == "verify":
        row |= {
            "lag_ms_median": round(statistics.median(contender.lags), 2),
            "lag_ms_most": round(max(contender.lags), 2),
        }
    return row | more


@dataclass(frozen=True)
class Aim:
    """One of the aims, and what the run says about it."""

    what: str
    aimed: float
    found: float | None
    at_most: bool = False

    def words(self) -> tuple[str, str, str]:
        """Found, met or not, by how much."""
        if self.found is None:
            return "", "not measured", ""
        is_met = self.found <= self.aimed if self.at_most else self.found >= self.aimed
        by = (self.found / self.aimed - 1) * 100
        return f"{self.found:.2f}", "met" if is_met else "NOT MET", f"{by:+.0f} %"


def aims(rows: list[Row], more: dict[str, float]) -> list[Aim]:
    """The aims of the project's own acceptance; `more` has what is no rate: p99 at a fixed rate, growth."""
    ours = {row["store"]: row for row in rows if row["contender"] == "Ostiary" and row["work"] == "verify"}

    def ratio(store: str) -> float | None:
        return ours.get(store, {}).get("ratio_to_ceiling")

    def against(name: str, stores: tuple[str, ...], mine: str, work: str = "verify") -> float | None:
        theirs = [
            row["rps"] for row in rows
            if row["contender"] == name and row["work"] == work and row["rps"] and row["store"].startswith(stores)
        ]  # fmt: skip
        own = _rate(rows, "Ostiary", mine, work)
        return own / max(theirs) if theirs and own else None

    lists = [row["rps"] for row in rows if row["work"] == "list mine" and row["contender"] != "Ostiary" and row["rps"]]
    own_list = min((_rate(rows, "Ostiary", store, "list mine") or 0 for store in ours), default=0)
    found = [
        Aim("/verify on SQLite, of the ceiling", 0.6, ratio("SQLite")),
        Aim("/verify on PostgreSQL, of the ceiling", 0.75, ratio("PostgreSQL")),
        Aim("/verify on SQLite, of better-auth's there", 12, against("better-auth", ("SQLite",), "SQLite")),
        Aim("/verify on PostgreSQL, of better-auth's there", 12, against("better-auth", ("PostgreSQL",), "PostgreSQL")),
        Aim("/verify on PostgreSQL, of its cookie cache", 8, against("better-auth", ("cookie",), "PostgreSQL")),
        Aim("/verify on PostgreSQL, of express-session, Redis", 2.5, against(
            "express-session", ("Redis",), "PostgreSQL"
        )),
        Aim("list mine, of the fastest peer's", 5, own_list / max(lists) if lists and own_list else None),
    ]  # fmt: skip
    for store in ("SQLite", "PostgreSQL"):
        found.append(Aim(f"p99 of /verify at 5,000/s on {store}, ms", 5, more.get(f"p99 {store}"), at_most=True))
        found.append(Aim(f"sign-in on {store}, of bare argon2id", 0.9, more.get(f"sign-in {store}")))
    found.append(Aim("a verifier's hit, of PyJWT's ES256, times as fast", 20, more.get("verifier")))
    found.append(Aim("`session list`, of the least HTTP call of Python", 1.5, more.get("session list"), at_most=True))
    found.append(Aim("throughput at the most sessions, of that at the fewest", 0.8, more.get("growth rps")))
    found.append(Aim("p99 at the most sessions, of that at the fewest", 2, more.get("growth p99"), at_most=True))
    return found


def _rate(rows: list[Row], contender: str, store: str, work: str) -> float | None:
    return next((r["rps"] for r in rows if (r["contender"], r["store"], r["work"]) == (contender, store, work)), None)


def as_text(rows: list[Row], aimed: list[Aim], extra: list[str], command: str) -> str:
    """The tables, as Markdown that can be read in a terminal too."""
    lines = [
        f"Measured {time.strftime('%Y-%m-%d')} on {machine()}, with", "", "```text", command, "```", "",
        f"{'| Contender':34} | {'Work':20} | {'req/s':>7} | {'lowest-highest':>15} | {'p50 ms':>7} | {'p99 ms':>7} "
        f"| {'CPU µs':>7} | {'MiB':>5} | {'of ceiling':>10} | {'Ostiary is':>10} | {'lag ms':>14} |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]  # fmt: skip
    for row in rows:
        title = f"| {row['contender']}, {row['store']}" if row["store"] else f"| {row['contender']}"
        if row["rps"] is None:
            lines.append(f"{title:34} | {row['work']:20} | {row.get('failure') or ''} |||||||||")
            continue
        lag = f"{row['lag_ms_median']:,.1f} ({row['lag_ms_most']:,.0f})" if "lag_ms_median" in row else ""
        own = _rate(rows, "Ostiary", "SQLite" if row["store"].startswith("SQLite") else "PostgreSQL", row["work"])
        times = f"{own / row['rps']:.1f}x" if row["contender"] != "Ostiary" and own else ""
        span = f"{row['rps_lowest']:,.0f}-{row['rps_highest']:,.0f}"
        ratio = f"{row['ratio_to_ceiling']:.2f}" if row["ratio_to_ceiling"] is not None else ""
        lines.append(
            f"{title:34} | {row['work']:20} | {row['rps']:>7,.0f} | {span:>15} | {row['p50_ms']:>7.2f} "
            f"| {row['p99_ms']:>7.2f} | {row['cpu_us']:>7,.0f} | {row['memory_mib'] or 0:>5.0f} | {ratio:>10} "
            f"| {times:>10} | {lag:>14} |"
        )
    lines += ["", *extra, "", f"{'| Aim':62} | {'at':>7} | {'found':>7} | {'':12} | {'by':>7} |"]
    lines.append("| --- | ---: | ---: | --- | ---: |")
    for aim in aimed:
        found, word, by = aim.words()
        limit = f"≤ {aim.aimed:g}" if aim.at_most else f"≥ {aim.aimed:g}"
        lines.append(f"{'| ' + aim.what:62} | {limit:>7} | {found:>7} | {word:12} | {by:>7} |")
    return "\n".join(lines)


def write(rows: list[Row], text: str) -> None:
    """Keep the newest: rows of contenders that were not in this run stay as they were."""
    RESULTS.parent.mkdir(exist_ok=True)
    kept: list[Row] = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    new = {(row["contender"], row["store"], row["work"]) for row in rows}
    kept = [row for row in kept if (row["contender"], row["store"], row["work"]) not in new]
    RESULTS.write_text(json.dumps([*rows, *kept], indent=1, ensure_ascii=False) + "\n")
    if PAGE.exists():
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.partition(END)[2]}")
