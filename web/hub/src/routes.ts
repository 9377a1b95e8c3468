import type { Routes } from "./lib/router";

export const ROUTES: Routes = [
  ["/", "home"],
  ["/explore", "explore"],
  ["/_/:name", "official"],
  ["/r/:account/:name", "repository"],
  ["/r/:account/:name/tags", "tags"],
  ["/r/:account/:name/tags/:tag", "tag"],
  ["/r/:account/:name/settings", "repositorySettings"],
  ["/r/:account/:name/settings/:section", "repositorySettings"],
  ["/u/:account", "account"],
  ["/u/:account/members", "organizationMembers"],
  ["/u/:account/teams", "organizationTeams"],
  ["/u/:account/settings", "organizationSettings"],
  ["/sign-in", "signIn"],
  ["/sign-up", "signUp"],
  ["/new", "newRepository"],
  ["/repositories", "ownRepositories"],
  ["/organizations", "organizations"],
  ["/settings", "accountSettings"],
  ["/settings/tokens", "tokens"],
  ["/activity", "activity"],
  ["/admin", "adminAccounts"],
  ["/admin/mirrors", "adminUpstreams"],
  ["/admin/sweep", "adminSweep"],
];

/** Addresses of pages. */
export const to = {
  repository: (name: string) => `/r/${name.split("/").map(encodeURIComponent).join("/")}`,
  tag: (name: string, tag: string) => `${to.repository(name)}/tags/${encodeURIComponent(tag)}`,
  account: (name: string) => `/u/${encodeURIComponent(name)}`,
  category: (slug: string) => `/explore?category=${encodeURIComponent(slug)}`,
  signIn: (back: string) => `/sign-in?back=${encodeURIComponent(back)}`,
};
