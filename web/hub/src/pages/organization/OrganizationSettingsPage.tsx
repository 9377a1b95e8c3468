import type { PageProps } from "../../App";
import { AccountFrame } from "../../components/AccountFrame";
import { DeleteAccount } from "../../components/DeleteAccount";
import { NotFound } from "../../components/NotFound";
import { ProfileForm } from "../../components/ProfileForm";
import { SignedInOnly } from "../../components/SignedInOnly";

export default function OrganizationSettingsPage({ params }: PageProps) {
  return (
    <SignedInOnly>
      {(user) => (
        <AccountFrame name={params.account ?? ""}>
          {(account, reload) =>
            account.kind === "organization" && account.role === "owner" ? (
              <div className="settings-body">
                <ProfileForm account={account} onDone={reload} />
                <DeleteAccount account={account} asker={user.name} />
              </div>
            ) : (
              <NotFound />
            )
          }
        </AccountFrame>
      )}
    </SignedInOnly>
  );
}
