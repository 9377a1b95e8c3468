import type { PageProps } from "../../App";
import { AccountFrame } from "../../components/AccountFrame";
import { AccountRepositories } from "../../components/AccountRepositories";

export default function AccountPage({ params }: PageProps) {
  return (
    <AccountFrame name={params.account ?? ""}>
      {(account) => <AccountRepositories key={account.name} account={account.name} />}
    </AccountFrame>
  );
}
