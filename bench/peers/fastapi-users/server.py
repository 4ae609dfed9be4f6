"""fastapi-users with its database strategy: the token in the cookie is looked up, then its user."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import AuthenticationBackend, CookieTransport
from fastapi_users.authentication.strategy.db import AccessTokenDatabase, DatabaseStrategy
from fastapi_users.db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyAccessTokenDatabase, SQLAlchemyBaseAccessTokenTableUUID
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

USERS, RACES = 64, 64
PLAN = Path(os.environ["BENCH_PLAN"])
URL = os.environ["BENCH_POSTGRES"].replace("postgresql://", "postgresql+asyncpg://")
engine = create_async_engine(URL, pool_size=10)
make_session = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass


class UserRead(schemas.BaseUser[uuid.UUID]):
    pass


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    pass


async def sessions() -> AsyncIterator[AsyncSession]:
    async with make_session() as session:
        yield session


async def users(session: Annotated[AsyncSession, Depends(sessions)]):
    yield SQLAlchemyUserDatabase(session, User)


async def tokens(session: Annotated[AsyncSession, Depends(sessions)]):
    yield SQLAlchemyAccessTokenDatabase(session, AccessToken)


async def manager(database: Annotated[SQLAlchemyUserDatabase, Depends(users)]):
    yield UserManager(database)


def strategy(database: Annotated[AccessTokenDatabase, Depends(tokens)]) -> DatabaseStrategy:
    return DatabaseStrategy(database, lifetime_seconds=30 * 24 * 3600)


backend = AuthenticationBackend("db", CookieTransport(cookie_name="session"), strategy)
fastapi_users = FastAPIUsers[User, uuid.UUID](manager, [backend])
current = fastapi_users.authenticator.current_user_token(active=True)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    asked, races = [], []
    async with make_session() as session:
        store = DatabaseStrategy(SQLAlchemyAccessTokenDatabase(session, AccessToken))
        for number in range(USERS):
            user = User(email=f"user{number}@example.org", hashed_password="!", is_active=True, is_verified=True)
            session.add(user)
            await session.commit()
            headers = {"Cookie": f"session={await store.write_token(user)}"}
            asked.append({"path": "/me", "headers": headers, "expect": str(user.id)})
        for _ in range(RACES):
            headers = {"Cookie": f"session={await store.write_token(user)}"}
            revoke = {"method": "POST", "path": "/logout", "headers": headers}
            races.append({"ask": {"path": "/me", "headers": headers}, "revoke": revoke})
    PLAN.write_text(json.dumps({"works": {"verify": asked}, "races": races}))  # noqa: ASYNC240 - before any request
    yield


app = FastAPI(lifespan=lifespan)
app.include_router(fastapi_users.get_auth_router(backend))


@app.get("/me")
async def me(found: Annotated[tuple[User, str], Depends(current)]):
    user, token = found
    return {"user": UserRead.model_validate(user), "session": {"id": token[:8]}}
