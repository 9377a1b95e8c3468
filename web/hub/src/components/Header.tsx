import { useSession } from "../api/session";
import { useTexts } from "../i18n/language";
import { Link, useAddress } from "../lib/navigation";
import { to } from "../routes";
import { AccountMenu } from "./AccountMenu";
import { LanguageMenu } from "./LanguageMenu";
import { Logo } from "./Logo";
import { SearchBox } from "./SearchBox";
import { ThemeMenu } from "./ThemeMenu";

export function Header() {
  const { t } = useTexts();
  const { session } = useSession();
  const { path, search } = useAddress();
  const hub = session?.hub.name ?? "Hub";
  const isSigningIn = path === "/sign-in" || path === "/sign-up";
  return (
    <header className="header">
      <div className="header-inner">
        <Link className="brand" to="/" aria-label={t("nav.home", { hub })}>
          <Logo />
          <span className="brand-name">{hub}</span>
        </Link>
        <nav aria-label={t("nav.main")} className="header-nav">
          <Link to="/explore" aria-current={path === "/explore" ? "page" : undefined}>
            {t("nav.explore")}
          </Link>
          {session?.user && (
            <Link
              className="wide-only"
              to="/repositories"
              aria-current={path === "/repositories" ? "page" : undefined}
            >
              {t("nav.repositories")}
            </Link>
          )}
        </nav>
        <SearchBox />
        <div className="header-tools">
          <LanguageMenu />
          <ThemeMenu />
          {session?.user && <AccountMenu user={session.user} />}
          {session && !session.user && (
            <Link className="button" to={isSigningIn ? path + search : to.signIn(path + search)}>
              {t("nav.signIn")}
            </Link>
          )}
        </div>
      </div>
    </header>
  );
}
