import { useState } from "react";
import { useAction, useRequest } from "../../api/hooks";
import { useSession } from "../../api/session";
import type { Account, User } from "../../api/types";
import { Field } from "../../components/Field";
import { Form } from "../../components/Form";
import { Notice } from "../../components/Notice";
import { SignedInOnly } from "../../components/SignedInOnly";
import { Tile } from "../../components/Tile";
import { useTexts } from "../../i18n/language";
import { Link, navigate, useTitle } from "../../lib/navigation";
import { to } from "../../routes";

export default function OrganizationsPage() {
  const { t } = useTexts();
  useTitle(t("org.title"));
  return <SignedInOnly>{(user) => <Organizations user={user} />}</SignedInOnly>;
}

function Organizations({ user }: { user: User }) {
  const { t } = useTexts();
  return (
    <div className="page-narrow settings-body">
      <h1>{t("org.title")}</h1>
      {user.organizations.length === 0 ? (
        <Notice title={t("org.none")} text={t("org.none.hint")} />
      ) : (
        <ul className="rows">
          {user.organizations.map((each) => (
            <li key={each.name}>
              <Tile name={each.name} size="small" />
              <span className="row-main">
                <Link to={to.account(each.name)}>{each.displayName || each.name}</Link>
                <small>{each.name}</small>
              </span>
              <span className="pill">{t(`org.${each.role}`)}</span>
            </li>
          ))}
        </ul>
      )}
      <NewOrganization />
    </div>
  );
}

function NewOrganization() {
  const { t } = useTexts();
  const { reload } = useSession();
  const send = useRequest();
  const [name, setName] = useState("");
  const [displayName, setDisplayName] = useState("");
  const create = useAction(async () => {
    await send<Account>("POST", "/organizations", { name, displayName });
    reload();
    navigate(to.account(name));
  });
  return (
    <Form action={create} button={t("create")} className="panel">
      <h2>{t("org.new")}</h2>
      <div className="form-row">
        <Field label={t("org.name")} value={name} onValue={setName} required maxLength={39} autoCapitalize="none" />
        <Field label={t("org.displayName")} value={displayName} onValue={setDisplayName} required={false} maxLength={200} />
      </div>
    </Form>
  );
}
