"""Who may do what with a repository."""

from __future__ import annotations

import pytest

from budu.hub.access import ANONYMOUS, Actor, Facts, Role, role_of

PUBLIC = Facts(is_private=False, account_id=1, owners=frozenset({7}))
PRIVATE = Facts(is_private=True, account_id=1, owners=frozenset({7}))


@pytest.mark.parametrize(
    ("actor", "facts", "role"),
    [
        (ANONYMOUS, PUBLIC, Role.READER),
        (ANONYMOUS, PRIVATE, Role.NONE),
        (Actor(user_id=8), PRIVATE, Role.NONE),
        (Actor(user_id=7), PRIVATE, Role.OWNER),
        (Actor(user_id=9, is_admin=True), PRIVATE, Role.OWNER),
        (Actor(user_id=7, limit=Role.READER), PRIVATE, Role.READER),
        (Actor(user_id=9, is_admin=True, limit=Role.WRITER), PUBLIC, Role.WRITER),
    ],
)
def test_role(actor: Actor, facts: Facts, role: Role) -> None:
    assert role_of(actor, facts) is role


def test_grant_is_narrowed_by_a_token() -> None:
    facts = Facts(is_private=True, account_id=1, granted=Role.WRITER)
    assert role_of(Actor(user_id=8), facts) is Role.WRITER
    assert role_of(Actor(user_id=8, limit=Role.READER), facts) is Role.READER


def test_grant_lets_nobody_in_who_did_not_sign_in() -> None:
    assert role_of(ANONYMOUS, Facts(is_private=True, account_id=1, granted=Role.OWNER)) is Role.NONE
