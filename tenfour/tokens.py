"""`tenfour tokens`: who may call the desk's API."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from sqlalchemy import Connection, RowMapping

from console.database import open_database, reachable
from console.migrate import require_newest
from console.tokens import TOKEN_BYTES, add_token, knows_person, list_tokens, revoke_token
from domain.instants import from_ms
from streams.settings import load_settings
from tenfour.printing import print_json, print_table, remark

app = typer.Typer(no_args_is_help=True, help="Who may call the desk's API.")


@app.command()
def create(
    person: Annotated[str, typer.Option(help="Id of the person who will hold it.")],
    label: Annotated[str, typer.Option(help="What it is for, so that it can be found and revoked.")],
) -> None:
    """Make a token and print it, once: it is stored nowhere, only its digest is."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with _database() as connection:
        id_ = add_token(connection, token, person, label, _now_ms())
        known = knows_person(connection, person)
    if not known:
        remark(f"the desk does not know {person} yet: until it does, the token lets nobody in")
    remark(f"token {id_}; keep what follows, it is not shown again")
    print(token)


@app.command("list")
def list_all(json: Annotated[bool, typer.Option("--json", help="One JSON list on stdout.")] = False) -> None:
    """List all tokens, by id, without the tokens themselves."""
    with _database() as connection:
        rows = list_tokens(connection)
    if json:
        print_json([_shown(row) for row in rows])
        return
    shown = [_shown(row) for row in rows]
    print_table(
        ["id", "person", "label", "created", "revoked"], [[value or "" for value in row.values()] for row in shown]
    )


@app.command()
def revoke(token: Annotated[str, typer.Argument(metavar="ID", help="Of `tenfour tokens list`.")]) -> None:
    """Let a token let nobody in any more, at once."""
    with _database() as connection:
        found = revoke_token(connection, token, _now_ms())
    if not found:
        raise typer.BadParameter(f"no token has the id {token}; `tenfour tokens list` shows all")
    remark(f"token {token} is revoked")


@contextmanager
def _database() -> Iterator[Connection]:
    engine = open_database(load_settings().database)
    require_newest(engine)
    with reachable(engine), engine.begin() as connection:
        yield connection


def _shown(row: RowMapping) -> dict[str, str | None]:
    revoked = row["revoked_at"]
    return {
        "id": row["id"],
        "person": row["person"],
        "label": row["label"],
        "created_at": _instant(row["created_at"]),
        "revoked_at": None if revoked is None else _instant(revoked),
    }


def _instant(milliseconds: int) -> str:
    return from_ms(milliseconds).isoformat(timespec="seconds").replace("+00:00", "Z")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
