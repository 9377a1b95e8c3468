"""Webhooks, retention rules and grants of a repository."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection, Row

from budu.base.errors import InvalidArgument, NotFound
from budu.hub.repositories import events, grants, retention_run, webhooks
from budu.hub.repositories.addresses import check_url
from budu.hub.repositories.retention import Rule, Rules, Victim
from budu.hub.sealing import Purpose
from budu.hub.sentences import Sentence
from budu.hub.services import Services
from budu.hub.site_api import records
from budu.hub.site_api.render import moment, moment_or_none
from budu.hub.site_api.routing import Call


def _webhook(row: Row[Any]) -> records.Webhook:
    return records.Webhook(
        id=row.id,
        name=row.name,
        url=row.url,
        events=tuple(row.events),
        has_secret=bool(row.secret),
        is_active=row.is_active,
        created_at=moment(row.created_at),
    )


def _id(call: Call, sentence: str = "hub.no-webhook") -> int:
    """The id in the path. Raises: NotFound for what is no number."""
    text = call.path["id"]
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise NotFound(Sentence(sentence))
    return int(text)


async def get_webhooks(hub: Services, call: Call) -> records.Webhooks:
    """The repository's webhooks."""
    rows = await hub.database.read(lambda c: webhooks.every(c, call.the_repository))
    return records.Webhooks(results=tuple(map(_webhook, rows)))


async def add_webhook(hub: Services, call: Call) -> records.Webhook:
    """Make a webhook."""
    given = call.given(records.WebhookNew)
    values = _values(hub, msgspec.structs.asdict(given))
    return _webhook(
        await hub.database.write(
            lambda c: webhooks.add(c, call.the_repository, values, call.author)
        )
    )


async def change_webhook(hub: Services, call: Call) -> records.Webhook:
    """Change a webhook."""
    given, webhook_id = call.given(records.WebhookChange), _id(call)
    values = _values(hub, msgspec.structs.asdict(given))
    return _webhook(
        await hub.database.write(
            lambda c: webhooks.change(c, call.the_repository, webhook_id, values, call.author)
        )
    )


def _values(hub: Services, given: Mapping[str, object]) -> dict[str, object]:
    values = {key: value for key, value in given.items() if value is not UNSET}
    if "url" in values:
        allows = hub.options.allows_private_webhooks
        values["url"] = check_url(str(values["url"]).strip(), allows_private=allows)
    secret = str(values.get("secret", ""))
    if len(secret) > webhooks.MOST_SECRET:
        raise InvalidArgument(Sentence("hub.too-long", most=webhooks.MOST_SECRET))
    if "secret" in values:
        values["secret"] = hub.seal.seal(secret, Purpose.WEBHOOK)
    return values


async def delete_webhook(hub: Services, call: Call) -> records.Done:
    """Remove a webhook."""
    webhook_id = _id(call)
    await hub.database.write(
        lambda c: webhooks.remove(c, call.the_repository, webhook_id, call.author)
    )
    return records.Done()


async def get_deliveries(hub: Services, call: Call) -> records.Deliveries:
    """The newest messages of a webhook."""
    webhook_id = _id(call)

    def query(connection: Connection) -> list[Row[Any]]:
        found = webhooks.get(connection, call.the_repository, webhook_id)
        return webhooks.deliveries_of(connection, found.id)

    rows = await hub.database.read(query)
    return records.Deliveries(results=tuple(map(_delivery, rows)))


def _delivery(row: Row[Any]) -> records.Delivery:
    return records.Delivery(
        id=row.id,
        event=row.event,
        payload=row.payload,
        attempts=row.attempts,
        status=row.status,
        error=row.error,
        created_at=moment(row.created_at),
        next_at=moment_or_none(row.next_at),
        finished_at=moment_or_none(row.finished_at),
    )


async def test_webhook(hub: Services, call: Call) -> records.Delivery:
    """Send a webhook a message as after a push of `latest`."""
    webhook_id, row = _id(call), call.the_repository
    what = events.happening("push", tag="latest", digest="", by=call.author.name)
    body = events.message(hub.options, row, what)

    def queue(connection: Connection) -> Row[Any]:
        found = webhooks.get(connection, row, webhook_id)
        return webhooks.queue_one(connection, found.id, what, body=body)

    made = await hub.database.write(queue)
    hub.deliveries.wake()
    return _delivery(made)


# Retention


async def get_retention(hub: Services, call: Call) -> records.Retention:
    """The rules."""
    return _retention(retention_run.read(call.the_repository))


def _retention(rules: Rules) -> records.Retention:
    return records.Retention(
        rules=tuple(
            records.RetentionRule(
                pattern=rule.pattern,
                keep_last=rule.keep_last,
                older_than_days=rule.older_than_days,
                since="pulled" if rule.by_pulls else "pushed",
            )
            for rule in rules.rules
        ),
        protected=rules.protected,
    )


def _rules(given: records.Retention) -> Rules:
    return Rules(
        rules=tuple(
            Rule(
                pattern=rule.pattern,
                keep_last=rule.keep_last,
                older_than_days=rule.older_than_days,
                by_pulls=rule.since == "pulled",
            )
            for rule in given.rules
        ),
        protected=given.protected,
    )


async def set_retention(hub: Services, call: Call) -> records.Retention:
    """Set the rules; they are followed once a day."""
    rules = _rules(call.given(records.Retention))
    await hub.database.write(
        lambda c: retention_run.write(c, call.the_repository, rules, call.author)
    )
    return _retention(rules)


async def preview_retention(hub: Services, call: Call) -> records.RetentionPreview:
    """What rules would delete if they were followed now."""
    rules = _rules(call.given(records.Retention))
    gone, keeps = await hub.database.read(
        lambda c: retention_run.preview(c, call.the_repository, rules)
    )
    return records.RetentionPreview(deletes=tuple(map(_victim, gone)), keeps=keeps)


def _victim(victim: Victim) -> records.RetentionVictim:
    return records.RetentionVictim(
        tag=victim.tag.name,
        digest=victim.tag.digest,
        size_bytes=victim.tag.size_bytes,
        pushed_at=moment(victim.tag.pushed_at),
        pulled_at=moment_or_none(victim.tag.pulled_at),
        rule=victim.rule,
    )


# Grants


async def get_grants(hub: Services, call: Call) -> records.Grants:
    """Who was given a role."""
    rows = await hub.database.read(lambda c: grants.every(c, call.the_repository))
    return records.Grants(results=tuple(map(_grant, rows)))


def _grant(row: Row[Any]) -> records.Grant:
    return records.Grant(
        subject=f"{row.kind}:{row.name}", kind=row.kind, name=row.name, role=row.role
    )


async def give_grant(hub: Services, call: Call) -> records.Grants:
    """Give a user or a team a role."""
    subject, role = call.path["subject"], call.given(records.GrantChange).role
    await hub.database.write(
        lambda c: grants.give(c, call.the_repository, subject, role=role, author=call.author)
    )
    hub.catalog.forget()
    return await get_grants(hub, call)


async def take_grant(hub: Services, call: Call) -> records.Grants:
    """Take a role back."""
    subject = call.path["subject"]
    await hub.database.write(
        lambda c: grants.take(c, call.the_repository, subject, author=call.author)
    )
    hub.catalog.forget()
    return await get_grants(hub, call)
