import type { ReactNode } from "react";
import { useTexts } from "../i18n/language";
import { useTitle } from "../lib/navigation";
import { NotFound } from "./NotFound";
import { SignedInOnly } from "./SignedInOnly";
import { Tabs } from "./Tabs";

/** What the admin's pages have above them; nobody else sees that they are there. */
export function AdminFrame({ children }: { children: ReactNode }) {
  const { t } = useTexts();
  useTitle(t("admin.title"));
  return (
    <SignedInOnly>
      {(user) =>
        user.isAdmin ? (
          <div className="page settings-body">
            <h1>{t("admin.title")}</h1>
            <Tabs
              label={t("admin.title")}
              tabs={[
                ["/admin", t("admin.accounts")],
                ["/admin/mirrors", t("admin.upstreams")],
                ["/admin/sweep", t("admin.sweep")],
              ]}
            />
            {children}
          </div>
        ) : (
          <NotFound />
        )
      }
    </SignedInOnly>
  );
}
