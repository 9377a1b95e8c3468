"""What the hub's admin does: accounts, garbage, mirrored registries."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection, Row

from budu.hub.accounts import audit, people
from budu.hub.accounts.people import AccountRow
from budu.hub.repositories import quotas, upstreams
from budu.hub.sealing import Purpose
from budu.hub.services import Services
from budu.hub.site_api import records
from budu.hub.site_api.render import moment
from budu.hub.site_api.routing import Call, page_of


async def get_accounts(hub: Services, call: Call) -> records.AdminAccounts:
    """All accounts."""
    asked = call.asked(records.PageQuery)
    first, size = page_of(asked.page, asked.page_size)

    def query(connection: Connection) -> records.AdminAccounts:
        count, rows = people.every(connection, query=asked.q.strip(), first=first, count=size)
        return records.AdminAccounts(
            count=count, results=tuple(_account(connection, row) for row in rows)
        )

    return await hub.database.read(query)


def _account(connection: Connection, row: AccountRow) -> records.AdminAccount:
    return records.AdminAccount(
        name=row.name,
        kind=row.kind,
        display_name=row.display_name,
        email=row.email,
        is_admin=row.is_admin,
        is_disabled=row.is_disabled,
        is_verified=row.is_verified,
        quota_bytes=row.quota_bytes,
        used_bytes=quotas.used_bytes(connection, row.id),
        created_at=moment(row.created_at),
    )


async def change_account(hub: Services, call: Call) -> records.AdminAccount:
    """Set what an account is and may."""
    given = msgspec.structs.asdict(call.given(records.AdminAccountChange))
    values = {key: value for key, value in given.items() if value is not UNSET}

    def change(connection: Connection) -> records.AdminAccount:
        row = people.administer(connection, call.path["account"], values, call.author)
        return _account(connection, row)

    changed = await hub.database.write(change)
    hub.catalog.forget()
    return changed


async def sweep(hub: Services, call: Call) -> records.SweepAnswer:
    """Collect garbage now."""
    swept = await hub.sweep()
    answer = records.SweepAnswer(blobs=swept.blobs, bytes=swept.bytes, uploads=swept.uploads)
    detail = msgspec.structs.asdict(answer)
    await hub.database.write(
        lambda c: audit.record(c, call.author, "hub.sweep", account=call.actor.name, detail=detail)
    )
    return answer


def _upstream(account: str, row: Row[Any]) -> records.Upstream:
    return records.Upstream(
        account=account,
        url=row.url,
        user_name=row.user_name,
        has_password=bool(row.password),
        fresh_s=row.fresh_s,
    )


async def get_upstreams(hub: Services, _call: Call) -> records.Upstreams:
    """All accounts that mirror a registry."""
    rows = await hub.database.read(upstreams.listed)
    return records.Upstreams(results=tuple(_upstream(name, row) for name, row in rows))


async def get_upstream(hub: Services, call: Call) -> records.Upstream:
    """The registry that an account mirrors."""
    name = call.path["account"]
    return _upstream(name, await hub.database.read(lambda c: upstreams.get(c, name)))


async def set_upstream(hub: Services, call: Call) -> records.Upstream:
    """Let an account mirror another registry."""
    name = call.path["account"]
    given = msgspec.structs.asdict(call.given(records.UpstreamChange))
    values = {key: value for key, value in given.items() if value is not UNSET}
    if "password" in values:
        values["password"] = hub.seal.seal(str(values["password"]), Purpose.UPSTREAM)
    row = await hub.database.write(lambda c: upstreams.put(c, name, values, call.author))
    hub.catalog.forget()
    return _upstream(name, row)


async def delete_upstream(hub: Services, call: Call) -> records.Done:
    """Let an account mirror nothing; what it has stays."""
    name = call.path["account"]
    await hub.database.write(lambda c: upstreams.remove(c, name, call.author))
    hub.catalog.forget()
    return records.Done()
