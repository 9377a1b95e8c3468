import { lazy, Suspense, type ComponentType, type LazyExoticComponent } from "react";
import { SessionProvider } from "./api/session";
import { CrashGuard } from "./components/CrashGuard";
import { Footer } from "./components/Footer";
import { Header } from "./components/Header";
import { Loading } from "./components/Loading";
import { NotFound } from "./components/NotFound";
import { SkipLink } from "./components/SkipLink";
import { LanguageProvider } from "./i18n/language";
import { AnnouncerProvider } from "./lib/announce";
import { useAddress } from "./lib/navigation";
import { match } from "./lib/router";
import { Explore } from "./pages/Explore";
import { Home } from "./pages/Home";
import { RepositoryPage } from "./pages/repository/RepositoryPage";
import { ROUTES } from "./routes";

export type PageProps = { params: Record<string, string> };
type Page = ComponentType<PageProps> | LazyExoticComponent<ComponentType<PageProps>>;

/** What most visitors open comes at once; the rest when it is opened. */
const PAGES: Record<string, Page> = {
  home: Home,
  explore: Explore,
  official: ({ params }: PageProps) => (
    <RepositoryPage params={{ account: "library", name: params.name ?? "" }} />
  ),
  repository: RepositoryPage,
  tags: lazy(() => import("./pages/repository/TagsPage")),
  tag: lazy(() => import("./pages/repository/TagPage")),
  repositorySettings: lazy(() => import("./pages/repository/SettingsPage")),
  account: lazy(() => import("./pages/account/AccountPage")),
  organizationMembers: lazy(() => import("./pages/organization/MembersPage")),
  organizationTeams: lazy(() => import("./pages/organization/TeamsPage")),
  organizationSettings: lazy(() => import("./pages/organization/OrganizationSettingsPage")),
  signIn: lazy(() => import("./pages/account/SignInPage")),
  signUp: lazy(() => import("./pages/account/SignUpPage")),
  newRepository: lazy(() => import("./pages/repository/NewRepositoryPage")),
  ownRepositories: lazy(() => import("./pages/account/OwnRepositoriesPage")),
  organizations: lazy(() => import("./pages/organization/OrganizationsPage")),
  accountSettings: lazy(() => import("./pages/account/AccountSettingsPage")),
  tokens: lazy(() => import("./pages/account/TokensPage")),
  activity: lazy(() => import("./pages/account/ActivityPage")),
  adminAccounts: lazy(() => import("./pages/admin/AccountsPage")),
  adminUpstreams: lazy(() => import("./pages/admin/UpstreamsPage")),
  adminSweep: lazy(() => import("./pages/admin/SweepPage")),
};

function Main() {
  const { path } = useAddress();
  const found = match(ROUTES, path);
  const Shown = found && PAGES[found.page];
  return (
    <main id="content" tabIndex={-1}>
      <CrashGuard key={path}>
        <Suspense fallback={<Loading />}>
          {Shown ? <Shown params={found.params} /> : <NotFound />}
        </Suspense>
      </CrashGuard>
    </main>
  );
}

export function App() {
  return (
    <LanguageProvider>
      <AnnouncerProvider>
        <SessionProvider>
          <SkipLink />
          <Header />
          <Main />
          <Footer />
        </SessionProvider>
      </AnnouncerProvider>
    </LanguageProvider>
  );
}
