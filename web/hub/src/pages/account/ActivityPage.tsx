import { useState } from "react";
import type { User } from "../../api/types";
import { AuditTable } from "../../components/AuditTable";
import { Segments } from "../../components/Segments";
import { SignedInOnly } from "../../components/SignedInOnly";
import { useTexts } from "../../i18n/language";
import { useTitle } from "../../lib/navigation";

export default function ActivityPage() {
  const { t } = useTexts();
  useTitle(t("audit.title"));
  return <SignedInOnly>{(user) => <Activity user={user} />}</SignedInOnly>;
}

function Activity({ user }: { user: User }) {
  const { t } = useTexts();
  const [account, setAccount] = useState(user.name);
  const owned = user.organizations.filter((each) => each.role === "owner").map((each) => each.name);
  return (
    <div className="page">
      <header className="page-head">
        <h1>{t("audit.title")}</h1>
        <p>{t("audit.text", { account })}</p>
      </header>
      {owned.length > 0 && (
        <p className="actions">
          <Segments
            label={t("new.account")}
            value={account}
            options={[user.name, ...owned].map((each) => [each, each])}
            onValue={setAccount}
          />
        </p>
      )}
      <AuditTable key={account} account={account} />
    </div>
  );
}
