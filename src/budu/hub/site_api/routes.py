"""The route table of `/api/v1`: docs/reference/hub-api.md is generated from it."""

from __future__ import annotations

from budu.hub.site_api import records
from budu.hub.site_api.handlers import explore, repositories, session
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


ROUTES: tuple[Route, ...] = (*_accounts(), *_repositories())
"""Every operation."""
