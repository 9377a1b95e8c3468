import type { ReactNode } from "react";
import { useSession } from "../api/session";
import type { User } from "../api/types";
import { useTexts } from "../i18n/language";
import { Link, useAddress } from "../lib/navigation";
import { to } from "../routes";
import { Loading } from "./Loading";
import { Notice } from "./Notice";

/** A page for somebody; everybody else is shown the way to sign in. */
export function SignedInOnly({ children }: { children: (user: User) => ReactNode }) {
  const { t } = useTexts();
  const { session, isLoading } = useSession();
  const { path, search } = useAddress();
  if (!session && isLoading) return <Loading />;
  if (session?.user) return <>{children(session.user)}</>;
  return (
    <Notice level="h1" title={t("nav.signIn")} text={t("signIn.text")}>
      <Link className="button" to={to.signIn(path + search)}>
        {t("nav.signIn")}
      </Link>
    </Notice>
  );
}
