import { useTexts } from "../i18n/language";
import { Link, useAddress, useTitle } from "../lib/navigation";
import { useSession } from "../api/session";
import { to } from "../routes";
import { Notice } from "./Notice";

export function NotFound() {
  const { t } = useTexts();
  const { session } = useSession();
  const { path } = useAddress();
  useTitle(t("error.notFound"));
  return (
    <Notice level="h1" title={t("error.notFound")} text={t("error.notFound.hint")}>
      <p className="actions">
        <Link className="button" to="/explore">
          {t("nav.explore")}
        </Link>
        {!session?.user && (
          <Link className="button quiet" to={to.signIn(path)}>
            {t("nav.signIn")}
          </Link>
        )}
      </p>
    </Notice>
  );
}
