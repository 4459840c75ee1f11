"""Tokens of the API: who holds one is a person of the desk. Only the digest is kept, so that no copy of the database
lets anybody in."""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

from sqlalchemy import Connection, RowMapping, exists, insert, select, update

from console.tables import API_TOKENS, PEOPLE

TOKEN_BYTES: Final = 32
"""Of randomness in a token."""
ID_CHARACTERS: Final = 12


class Holder(NamedTuple):
    """Whose token it is. `name`, `role` and `active` are None where the desk doesn't know the person."""

    token: str
    """Its id."""
    label: str
    revoked: bool
    person: str
    name: str | None
    role: str | None
    teams: tuple[str, ...]
    active: bool | None


def digest_of(token: str) -> str:
    """SHA-256, in hex."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def add_token(connection: Connection, token: str, person: str, label: str, now_ms: int) -> str:
    """Lets in who holds the token, as that person; gives its id."""
    digest = digest_of(token)
    row = {"id": digest[:ID_CHARACTERS], "person": person, "digest": digest, "label": label, "created_at": now_ms}
    connection.execute(insert(API_TOKENS).values(row))
    return digest[:ID_CHARACTERS]


def holder_of(connection: Connection, token: str) -> Holder | None:
    """Whose token it is. It is looked up by its digest, so that the time it takes tells nothing about the token."""
    tokens, people = API_TOKENS.c, PEOPLE.c
    columns = [tokens.id, tokens.label, tokens.revoked_at, tokens.person]
    query = (
        select(*columns, people.name, people.role, people.teams, people.active)
        .join_from(API_TOKENS, PEOPLE, tokens.person == people.id, isouter=True)
        .where(tokens.digest == digest_of(token))
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return Holder(
        token=row.id,
        label=row.label,
        revoked=row.revoked_at is not None,
        person=row.person,
        name=row.name,
        role=row.role,
        teams=tuple(row.teams or ()),
        active=row.active,
    )


def has_tokens(connection: Connection) -> bool:
    """Whether there is any that is not revoked."""
    return bool(connection.scalar(select(exists().where(API_TOKENS.c.revoked_at.is_(None)))))


def knows_person(connection: Connection, person: str) -> bool:
    """Whether the read model has heard of the person."""
    return bool(connection.scalar(select(exists().where(PEOPLE.c.id == person))))


def list_tokens(connection: Connection) -> list[RowMapping]:
    """All, revoked ones too, without digests; the oldest first."""
    columns = [column for column in API_TOKENS.c if column.name != "digest"]
    return list(connection.execute(select(*columns).order_by(API_TOKENS.c.created_at, API_TOKENS.c.id)).mappings())


def revoke_token(connection: Connection, id_: str, now_ms: int) -> bool:
    """Whether there was such a token; one that is revoked already stays so since then."""
    tokens = API_TOKENS.c
    connection.execute(
        update(API_TOKENS).where(tokens.id == id_, tokens.revoked_at.is_(None)).values(revoked_at=now_ms)
    )
    return bool(connection.scalar(select(exists().where(tokens.id == id_))))
