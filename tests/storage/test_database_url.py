"""The database's URL is read once, for every driver: all forms of libpq, or refused by name."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text

from ostiary.authority import Authority
from ostiary.errors import ConfigurationError
from ostiary.settings import Settings
from ostiary.storage.database import Database
from ostiary.storage.database_url import Servers, read, shown, typed
from tests.support import databases

H1, H2 = ("a", 5432), ("b", 5433)


def servers(rest: str) -> Servers:
    found = read(f"postgresql://{rest}")
    assert isinstance(found, Servers)
    return found


@pytest.mark.parametrize(
    "rest",
    [
        "a,b:5433/db",
        "a:5432,b:5433/db",
        "ada@a:5432,b:5433/db",
        "/db?host=a:5432&host=b:5433",
        "/db?host=a&host=b:5433",
        "/db?host=a,b&port=5432,5433",
        "/db?host=a&host=b&port=5432&port=5433",
        "elsewhere/db?host=a,b:5433",
        "a,b:5433?dbname=db",
        "a,b:5433/?database=db",
    ],
)
def test_every_way_to_name_several_hosts_names_the_same(rest):
    assert servers(rest).hosts == (H1, H2)
    assert servers(rest).database == "db"


@pytest.mark.parametrize(
    ("rest", "hosts"),
    [
        ("a", (("a", 5432),)),
        ("a:6000/db", (("a", 6000),)),
        ("[::1]:6000,[fe80::2]/db", (("::1", 6000), ("fe80::2", 5432))),
        ("/db?host=::1", (("::1", 5432),)),
        ("%2Fvar%2Frun%2Fpg/db", (("/var/run/pg", 5432),)),
        ("/db?host=/var/run/pg&port=6000", (("/var/run/pg", 6000),)),
        ("/db?host=a,b&port=6000", (("a", 6000), ("b", 6000))),
        ("/db?port=6000", (("", 6000),)),
        ("/db", ()),
        ("", ()),
    ],
)
def test_a_host_is_a_name_an_address_or_the_directory_of_a_socket(rest, hosts, monkeypatch):
    for name in ("PGHOST", "PGPORT"):
        monkeypatch.delenv(name, raising=False)
    assert servers(rest).hosts == hosts


def test_hosts_of_the_environment_are_each_looked_at_too(monkeypatch):
    monkeypatch.setenv("PGHOST", "a,b")
    monkeypatch.setenv("PGPORT", "5432,5433")
    assert servers("/db").hosts == (H1, H2)


@pytest.mark.parametrize(
    ("rest", "user", "password"),
    [
        ("ada:hunter2@a/db", "ada", "hunter2"),
        ("ada:hunter%402%2F@a/db", "ada", "hunter@2/"),
        ("ada:hun/ter2@a/db", "ada", "hun/ter2"),
        ("ada:hun?ter2@a/db", "ada", "hun?ter2"),
        ("ada:hun#ter2@a/db", "ada", "hun#ter2"),
        ("a/db?user=ada&password=hunter%2B2", "ada", "hunter+2"),
        ("a/db?user=ada&password=hun@ter2", "ada", "hun@ter2"),
        ("ada@a/db", "ada", None),
    ],
)
def test_user_and_password_are_read_wherever_they_stand(rest, user, password):
    found = servers(rest)
    assert (found.user, found.password, found.hosts, found.database) == (user, password, (H1,), "db")
    assert password is None or (password not in repr(found) and password not in shown(f"postgresql://{rest}"))


REFUSED = {
    "any": "target_session_attrs=any", "standby": "target_session_attrs=standby",
    "prefer-standby": "target_session_attrs=prefer-standby", "read-only": "target_session_attrs=read-only",
    "hostaddr": "hostaddr=127.0.0.1", "service": "service=mine", "requirepeer": "requirepeer=postgres",
    "channel_binding": "channel_binding=require", "gssencmode": "gssencmode=require", "sslmode": "sslmode=full",
    "keepalives_idle": "keepalives_idle=10", "replication": "replication=database", "port": "port=http",
    "ports": "host=a,b,c&port=1,2", "connect_timeout": "connect_timeout=soon",
    "sslnegotiation": "sslnegotiation=direct",
    "sslrootcert": "sslrootcert=/none/root.crt", "passfile": "passfile=/none/pass", "sslkey": "sslkey=/etc/hostname",
    "search_path": "search_path=x", "prepared_statement_cache_size": "prepared_statement_cache_size=0",
    "ssl_min_protocol_version": "ssl_min_protocol_version=SSLv3", "client_encoding": "client_encoding=latin1",
    "wrong": "wrong=1", "name=value": "wrong",
}  # fmt: skip


@pytest.mark.parametrize("named", REFUSED)
def test_what_cannot_be_honoured_is_refused_by_its_name_and_says_no_password(named):
    for rest in (f"ada:hunter2@a/db?{REFUSED[named]}", f"a/db?password=hunter2&{REFUSED[named]}"):
        for make in (Database, lambda url: Authority(Settings(database_url=url))):
            with pytest.raises(ConfigurationError) as refused:
                make(f"postgresql://{rest}")
            assert named in refused.value.message
            assert "hunter2" not in refused.value.message


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:hun@ter2@a/db", "postgresql://ada:12?hun=ter2@a/db", "postgresql://ada:12/hunter2@a/db",
        "postgresql://hunter2:x:y@@a/db", "mysql://ada:hunter2@a/db", "hunter2", "://hunter2",
        "postgresql:hunter2@a", "postgresql://a:hunter2/db", "postgresql://a/db?hunter2", "sqlite://hunter2",
        "postgresql://a b/hunter2", "postgresql://[::1/hunter2",
    ],
)  # fmt: skip
def test_a_url_that_cannot_be_read_is_refused_without_a_word_of_it(url):
    with pytest.raises(ConfigurationError, match="database_url") as refused:
        read(url)
    for secret in ("hunter2", "ter2", "hun="):
        assert secret not in refused.value.message
    assert "hunter2" not in shown(url)


def test_a_file_of_sqlite_is_a_file():
    assert read("sqlite:///a b%20.db") == Path("a b%20.db")
    assert read("sqlite+aiosqlite:////srv/o.db") == Path("/srv/o.db")


def password_file(directory: Path) -> str:
    file = directory / "pgpass"
    file.write_text("*:*:*:*:hunter2\n")
    file.chmod(0o600)
    return f"passfile={file}"


HONOURED = [
    "application_name=billing", "fallback_application_name=x", "connect_timeout=3", "connect_timeout=0",
    "target_session_attrs=primary", "target_session_attrs=read-write", "sslmode=disable", "sslmode=prefer",
    "ssl=false", "options=-c%20work_mem%3D5MB", "gssencmode=disable", "channel_binding=prefer", "client_encoding=UTF8",
    "load_balance_hosts=disable", "sslcompression=0", "krbsrvname=postgres", "user=postgres",
    "host=127.0.0.1:1&host={host}:{port}", "host=127.0.0.1,{host}&port=1,{port}", "passfile",
]  # fmt: skip


@pytest.mark.parametrize("parameter", HONOURED)
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_each_parameter_that_is_honoured_is_so_by_every_pool(database_url, parameter, tmp_path, clock):
    """Acts, readers of three kinds, what listens, and what migrates: all of them connect, and say who they are."""
    where = asyncpg_target(database_url)
    query = password_file(tmp_path) if parameter == "passfile" else parameter.format(**where)
    authority = Authority(Settings(database_url=f"{database_url}?{query}"), clock=clock)
    async with authority:
        await authority.ensure_ready()
        await authority.feed.fresh()
        async with authority.database.reading() as db:
            found = (await db.execute(text(NAMES))).scalars().all()
        assert set(found) == {"billing" if "=billing" in query else "x" if "=x" in query else "ostiary"}
        assert len(found) >= 3


NAMES = "SELECT application_name FROM pg_stat_activity WHERE datname = current_database()"


def asyncpg_target(url: str) -> dict[str, object]:
    found = read(url)
    assert isinstance(found, Servers)
    (host, port), *_ = found.hosts
    return {"host": host, "port": port}


async def test_a_host_that_never_answers_does_not_keep_the_others_from_being_found(tmp_path):
    """Its machine is off: nothing refuses the connection, nobody answers it."""
    if not databases.postgres_answers():
        databases.skip(f"no PostgreSQL at {databases.POSTGRES}")
    import socket

    where = asyncpg_target(databases.POSTGRES)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        hosts = f"127.0.0.1:{silent.getsockname()[1]},{where['host']}:{where['port']}"
        database = Database(f"postgresql://postgres@{hosts}/postgres")
        assert database.postgres is not None
        first: asyncpg.Connection = await database.postgres.connect()
        second = await database.postgres.connect()  # now it is known where the primary is
        for connection in (first, second):
            assert await connection.fetchval("SELECT 1") == 1
            await connection.close()
        await database.close()


@pytest.mark.parametrize(
    ("url", "known"),
    [
        ("postgresql://ada:hunter2@db.test:5433/shop", "postgresql://ada@db.test:5433/shop"),
        ("postgresql://a%40b:hunter2@db.test/shop", "postgresql://a%40b@db.test:5432/shop"),
        ("postgresql://ada:hunter2@/shop?host=/run/postgresql", "postgresql://ada@/shop?host=/run/postgresql"),
    ],
)
def test_the_url_for_a_command_names_the_database_without_its_password(url, known):
    assert typed(read(url)) == known
    found, again = read(url), read(known)
    assert isinstance(found, Servers) and isinstance(again, Servers)
    assert (again.hosts, again.user, again.database) == (found.hosts, found.user, found.database)
