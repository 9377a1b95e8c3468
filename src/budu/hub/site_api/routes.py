"""The route table of `/api/v1`: docs/reference/hub-api.md is generated from it."""

from __future__ import annotations

from budu.hub.site_api import records
from budu.hub.site_api.handlers import (
    admin,
    explore,
    hooks,
    people,
    repositories,
    session,
    tags,
)
from budu.hub.site_api.routing import Handler, Needs, Route

_REPOSITORY = "/repositories/{account}/{name}"


def _route(
    method: str,
    path: str,
    handler: Handler,
    *,
    needs: Needs,
    about: str,
    answer: type = records.Done,
    body: type | None = None,
    query: type | None = None,
    status: int = 200,
) -> Route:
    return Route(
        method=method,
        path=path,
        handler=handler,
        needs=needs,
        about=about,
        answer=answer,
        body=body,
        query=query,
        status=status,
    )


def _accounts() -> tuple[Route, ...]:
    return (
        _route("GET", "/session", session.get_session, needs=Needs.ANYBODY,
               about="Who is signed in", answer=records.Session),
        _route("POST", "/session", session.sign_in, needs=Needs.ANYBODY,
               about="Sign in", body=records.SignIn, answer=records.Session),
        _route("DELETE", "/session", session.sign_out, needs=Needs.ANYBODY,
               about="Sign out", answer=records.Session),
        _route("POST", "/accounts", session.sign_up, needs=Needs.ANYBODY, status=201,
               about="Make an account", body=records.SignUp, answer=records.Session),
        _route("GET", "/accounts/{account}", session.get_account, needs=Needs.ANYBODY,
               about="A profile", answer=records.Account),
        _route("PATCH", "/accounts/{account}", session.change_account, needs=Needs.MANAGER,
               about="Change a profile, or one's own password", body=records.AccountChange,
               answer=records.Account),
        _route("DELETE", "/accounts/{account}", session.delete_account, needs=Needs.MANAGER,
               about="Remove an account with its repositories, after one's own password",
               body=records.AccountDelete, answer=records.Session),
        _route("GET", "/accounts/{account}/repositories", session.get_account_repositories,
               needs=Needs.ANYBODY, about="An account's repositories that the reader may see",
               query=records.PageQuery, answer=records.CardPage),
    )  # fmt: skip


def _repositories() -> tuple[Route, ...]:
    return (
        _route("GET", "/explore", explore.explore, needs=Needs.ANYBODY,
               about="Search the public repositories", query=records.ExploreQuery,
               answer=records.ExploreAnswer),
        _route("GET", "/categories", explore.get_categories, needs=Needs.ANYBODY,
               about="The categories", answer=records.Categories),
        _route("POST", "/repositories", repositories.create_repository, needs=Needs.SIGNED_IN,
               about="Make a repository", body=records.RepositoryNew, status=201,
               answer=records.Repository),
        _route("POST", "/markdown", repositories.render_markdown, needs=Needs.SIGNED_IN,
               about="An overview under way as readers will see it", body=records.MarkdownText,
               answer=records.Rendered),
        _route("GET", _REPOSITORY, repositories.get_repository, needs=Needs.READER,
               about="A repository's page", answer=records.Repository),
        _route("PATCH", _REPOSITORY, repositories.change_repository, needs=Needs.OWNER,
               about="Change settings", body=records.RepositoryChange, answer=records.Repository),
        _route("DELETE", _REPOSITORY, repositories.delete_repository, needs=Needs.OWNER,
               about="Remove a repository"),
        _route("PUT", f"{_REPOSITORY}/star", repositories.star, needs=Needs.STARRER,
               about="Star a repository", answer=records.Stars),
        _route("DELETE", f"{_REPOSITORY}/star", repositories.unstar, needs=Needs.STARRER,
               about="Take the star back", answer=records.Stars),
    )  # fmt: skip


def _tags() -> tuple[Route, ...]:
    path = f"{_REPOSITORY}/tags"
    return (
        _route("GET", path, tags.get_tags, needs=Needs.READER, about="The tags",
               query=records.TagsQuery, answer=records.TagPage),
        _route("POST", f"{path}/delete", tags.delete_tags, needs=Needs.OWNER,
               about="Remove several tags", body=records.TagNames, answer=records.TagsDeleted),
        _route("GET", f"{path}/{{tag}}", tags.get_tag, needs=Needs.READER,
               about="A tag with layers, settings and signatures", answer=records.TagDetails),
        _route("DELETE", f"{path}/{{tag}}", tags.delete_tag, needs=Needs.OWNER,
               about="Remove a tag"),
    )  # fmt: skip


def _webhooks() -> tuple[Route, ...]:
    path = f"{_REPOSITORY}/webhooks"
    one = f"{path}/{{id}}"
    return (
        _route("GET", path, hooks.get_webhooks, needs=Needs.OWNER, about="The webhooks",
               answer=records.Webhooks),
        _route("POST", path, hooks.add_webhook, needs=Needs.OWNER, about="Make a webhook",
               body=records.WebhookNew, answer=records.Webhook, status=201),
        _route("PATCH", one, hooks.change_webhook, needs=Needs.OWNER, about="Change a webhook",
               body=records.WebhookChange, answer=records.Webhook),
        _route("DELETE", one, hooks.delete_webhook, needs=Needs.OWNER, about="Remove a webhook"),
        _route("GET", f"{one}/deliveries", hooks.get_deliveries, needs=Needs.OWNER,
               about="The newest messages", answer=records.Deliveries),
        _route("POST", f"{one}/test", hooks.test_webhook, needs=Needs.OWNER,
               about="Send a message as after a push", answer=records.Delivery, status=202),
    )  # fmt: skip


def _rules() -> tuple[Route, ...]:
    return (
        _route("GET", f"{_REPOSITORY}/retention", hooks.get_retention, needs=Needs.OWNER,
               about="The retention rules", answer=records.Retention),
        _route("PUT", f"{_REPOSITORY}/retention", hooks.set_retention, needs=Needs.OWNER,
               about="Set the retention rules", body=records.Retention, answer=records.Retention),
        _route("POST", f"{_REPOSITORY}/retention/preview", hooks.preview_retention,
               needs=Needs.OWNER, about="What rules would delete", body=records.Retention,
               answer=records.RetentionPreview),
        _route("GET", f"{_REPOSITORY}/grants", hooks.get_grants, needs=Needs.OWNER,
               about="Who was given a role", answer=records.Grants),
        _route("PUT", f"{_REPOSITORY}/grants/{{subject}}", hooks.give_grant, needs=Needs.OWNER,
               about="Give `user:NAME` or `team:NAME` a role", body=records.GrantChange,
               answer=records.Grants),
        _route("DELETE", f"{_REPOSITORY}/grants/{{subject}}", hooks.take_grant,
               needs=Needs.OWNER, about="Take a role back", answer=records.Grants),
    )  # fmt: skip


def _people() -> tuple[Route, ...]:
    organization = "/organizations/{account}"
    member = f"{organization}/members/{{user}}"
    team = f"{organization}/teams/{{team}}"
    return (
        _route("GET", "/tokens", people.get_tokens, needs=Needs.SIGNED_IN,
               about="One's own access tokens", answer=records.Tokens),
        _route("POST", "/tokens", people.add_token, needs=Needs.SIGNED_IN, status=201,
               about="Make a token; its secret is shown this once", body=records.TokenNew,
               answer=records.TokenMade),
        _route("DELETE", "/tokens/{id}", people.delete_token, needs=Needs.SIGNED_IN,
               about="Revoke a token"),
        _route("POST", "/organizations", people.create_organization, needs=Needs.SIGNED_IN,
               about="Make an organization", body=records.OrganizationNew, status=201,
               answer=records.Account),
        _route("GET", f"{organization}/members", people.get_members, needs=Needs.MEMBER,
               about="The members", answer=records.Members),
        _route("PUT", member, people.set_member, needs=Needs.MANAGER,
               about="Take a user in, or change his role", body=records.MemberChange,
               answer=records.Members),
        _route("DELETE", member, people.remove_member, needs=Needs.MANAGER,
               about="Let a member go", answer=records.Members),
        _route("GET", f"{organization}/teams", people.get_teams, needs=Needs.MEMBER,
               about="The teams", answer=records.Teams),
        _route("PUT", team, people.set_team, needs=Needs.MANAGER,
               about="Make a team, or change what is said about it", body=records.TeamChange,
               answer=records.Teams),
        _route("DELETE", team, people.remove_team, needs=Needs.MANAGER, about="Remove a team",
               answer=records.Teams),
        _route("PUT", f"{team}/members/{{user}}", people.add_team_member, needs=Needs.MANAGER,
               about="Take a member into a team", answer=records.Teams),
        _route("DELETE", f"{team}/members/{{user}}", people.remove_team_member,
               needs=Needs.MANAGER, about="Let a team's member go", answer=records.Teams),
        _route("GET", "/audit", people.get_audit, needs=Needs.SIGNED_IN,
               about="Who did what with an account that one owns", query=records.AuditQuery,
               answer=records.AuditPage),
    )  # fmt: skip


def _admin() -> tuple[Route, ...]:
    upstream = "/admin/upstreams/{account}"
    return (
        _route("GET", "/admin/accounts", admin.get_accounts, needs=Needs.ADMIN,
               about="All accounts", query=records.PageQuery, answer=records.AdminAccounts),
        _route("PATCH", "/admin/accounts/{account}", admin.change_account, needs=Needs.ADMIN,
               about="What an account is and may", body=records.AdminAccountChange,
               answer=records.AdminAccount),
        _route("POST", "/admin/sweep", admin.sweep, needs=Needs.ADMIN,
               about="Collect garbage now", answer=records.SweepAnswer),
        _route("GET", "/admin/upstreams", admin.get_upstreams, needs=Needs.ADMIN,
               about="All accounts that mirror a registry", answer=records.Upstreams),
        _route("GET", upstream, admin.get_upstream, needs=Needs.ADMIN,
               about="The registry that an account mirrors", answer=records.Upstream),
        _route("PUT", upstream, admin.set_upstream, needs=Needs.ADMIN,
               about="Let an account mirror a registry", body=records.UpstreamChange,
               answer=records.Upstream),
        _route("DELETE", upstream, admin.delete_upstream, needs=Needs.ADMIN,
               about="Let an account mirror nothing"),
    )  # fmt: skip


ROUTES: tuple[Route, ...] = (
    *_accounts(),
    *_repositories(),
    *_tags(),
    *_webhooks(),
    *_rules(),
    *_people(),
    *_admin(),
)
"""Every operation."""
