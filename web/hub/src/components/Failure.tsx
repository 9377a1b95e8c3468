import type { ApiError } from "../api/client";
import { useTexts } from "../i18n/language";
import { Link, useAddress } from "../lib/navigation";
import { to } from "../routes";
import { NotFound } from "./NotFound";
import { Notice } from "./Notice";

/** A page that could not be loaded: the cause and a way on. */
export function Failure({ error, retry }: { error: ApiError; retry?: () => void }) {
  const { t } = useTexts();
  const { path, search } = useAddress();
  if (error.status === 404) return <NotFound />;
  if (error.status === 401) {
    return (
      <Notice level="h1" title={t("error.forbidden")} text={error.message}>
        <Link className="button" to={to.signIn(path + search)}>
          {t("nav.signIn")}
        </Link>
      </Notice>
    );
  }
  const title = error.status === 403 ? t("error.forbidden") : t("error.title");
  return (
    <Notice level="h1" title={title} text={error.message || t("error.offline")}>
      <p>{error.hint ?? (error.status === 0 ? t("error.offline.hint") : "")}</p>
      {retry && (
        <button className="button" onClick={retry}>
          {t("retry")}
        </button>
      )}
    </Notice>
  );
}
