import { useState } from "react";
import type { User } from "../../api/types";
import { AccountRepositories } from "../../components/AccountRepositories";
import { Segments } from "../../components/Segments";
import { SignedInOnly } from "../../components/SignedInOnly";
import { useTexts } from "../../i18n/language";
import { Link, useTitle } from "../../lib/navigation";

export default function OwnRepositoriesPage() {
  const { t } = useTexts();
  useTitle(t("own.title"));
  return <SignedInOnly>{(user) => <Own user={user} />}</SignedInOnly>;
}

function Own({ user }: { user: User }) {
  const { t } = useTexts();
  const [account, setAccount] = useState(user.name);
  const accounts = [user.name, ...user.organizations.map((each) => each.name)];
  return (
    <div className="page">
      <header className="page-head-row">
        <h1>{t("own.title")}</h1>
        <Link className="button" to="/new">
          {t("new.title")}
        </Link>
      </header>
      {accounts.length > 1 && (
        <p className="actions">
          <Segments
            label={t("new.account")}
            value={account}
            options={accounts.map((each) => [each, each])}
            onValue={setAccount}
          />
        </p>
      )}
      <AccountRepositories key={account} account={account} isOwn />
    </div>
  );
}
