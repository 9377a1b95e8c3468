import type { ReactNode } from "react";
import { path } from "../api/client";
import { useData } from "../api/hooks";
import type { Account } from "../api/types";
import { useTexts } from "../i18n/language";
import { useTitle } from "../lib/navigation";
import { to } from "../routes";
import { Age } from "./Age";
import { Badge } from "./Badge";
import { Loader } from "./Loader";
import { Tabs } from "./Tabs";
import { Tile } from "./Tile";

interface FrameProps {
  name: string;
  children: (account: Account, reload: () => void) => ReactNode;
}

/** What all pages of an account have above them. */
export function AccountFrame({ name, children }: FrameProps) {
  const loaded = useData<Account>(path`/accounts/${name}`);
  useTitle(loaded.data?.displayName || name);
  return (
    <div className="page">
      <Loader of={loaded}>
        {(account) => (
          <>
            <AccountHead account={account} />
            {children(account, loaded.reload)}
          </>
        )}
      </Loader>
    </div>
  );
}

function AccountHead({ account }: { account: Account }) {
  const { t } = useTexts();
  const isOrganization = account.kind === "organization";
  const home = to.account(account.name);
  const tabs: [string, string][] = [[home, t("account.repositories")]];
  if (isOrganization && account.role !== "none") {
    tabs.push([`${home}/members`, t("org.members")], [`${home}/teams`, t("org.teams")]);
    if (account.role === "owner") tabs.push([`${home}/settings`, t("repo.settings")]);
  }
  return (
    <header className="repository-head">
      <div className="repository-title">
        <Tile name={account.name} size="large" />
        <div>
          <h1>
            {account.name === "library" ? t("publisher.official") : account.displayName || account.name}
          </h1>
          <p className="repository-marks">
            <span className="pill">{t(isOrganization ? "account.organization" : "account.user")}</span>
            {account.isVerified && <Badge badge="verified" />}
            <span>{account.name}</span>
            <span className="quiet-text">
              <Age time={account.createdAt} />
            </span>
          </p>
          {account.about && <p className="repository-summary">{account.about}</p>}
        </div>
      </div>
      <Tabs label={account.name} tabs={tabs} />
    </header>
  );
}
