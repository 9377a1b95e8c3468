import { path } from "../../api/client";
import { useData } from "../../api/hooks";
import type { Account, User } from "../../api/types";
import { DeleteAccount } from "../../components/DeleteAccount";
import { Loader } from "../../components/Loader";
import { PasswordForm } from "../../components/PasswordForm";
import { ProfileForm } from "../../components/ProfileForm";
import { SignedInOnly } from "../../components/SignedInOnly";
import { useTexts } from "../../i18n/language";
import { useTitle } from "../../lib/navigation";

export default function AccountSettingsPage() {
  const { t } = useTexts();
  useTitle(t("account.title"));
  return <SignedInOnly>{(user) => <Settings user={user} />}</SignedInOnly>;
}

function Settings({ user }: { user: User }) {
  const { t } = useTexts();
  const loaded = useData<Account>(path`/accounts/${user.name}`);
  return (
    <div className="page-narrow settings-body">
      <h1>{t("account.title")}</h1>
      <Loader of={loaded}>
        {(account) => (
          <>
            <ProfileForm account={account} />
            <PasswordForm name={user.name} />
            <DeleteAccount account={account} asker={user.name} />
          </>
        )}
      </Loader>
    </div>
  );
}
