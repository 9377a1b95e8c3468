import { useState } from "react";
import { useAction, useRequest } from "../../api/hooks";
import type { Repository, User } from "../../api/types";
import { Choice } from "../../components/Choice";
import { Field } from "../../components/Field";
import { Form } from "../../components/Form";
import { SignedInOnly } from "../../components/SignedInOnly";
import { VisibilityChoice } from "../../components/VisibilityChoice";
import { useTexts } from "../../i18n/language";
import { navigate, useTitle } from "../../lib/navigation";
import { to } from "../../routes";

export default function NewRepositoryPage() {
  const { t } = useTexts();
  useTitle(t("new.title"));
  return <SignedInOnly>{(user) => <NewRepository user={user} />}</SignedInOnly>;
}

function NewRepository({ user }: { user: User }) {
  const { t } = useTexts();
  const send = useRequest();
  const [account, setAccount] = useState(user.name);
  const [name, setName] = useState("");
  const [summary, setSummary] = useState("");
  const [isPrivate, setPrivate] = useState(false);
  const accounts = [user.name, ...user.organizations.map((each) => each.name)];
  const create = useAction(async () => {
    const made = await send<Repository>("POST", "/repositories", { account, name, summary, isPrivate });
    navigate(to.repository(made.name));
  });
  return (
    <div className="page-narrow">
      <header className="page-head">
        <h1>{t("new.title")}</h1>
        <p>{t("new.text")}</p>
      </header>
      <Form action={create} button={t("create")} className="panel">
        <div className="form-row">
          <Choice
            label={t("new.account")}
            value={account}
            options={accounts.map((each) => [each, each])}
            onValue={setAccount}
          />
          <Field label={t("new.name")} value={name} onValue={setName} required maxLength={128} autoCapitalize="none" />
        </div>
        <small>{t("new.name.hint")}</small>
        <Field
          label={t("settings.summary")}
          hint={t("settings.summary.hint")}
          value={summary}
          onValue={setSummary}
          required={false}
          maxLength={300}
        />
        <VisibilityChoice isPrivate={isPrivate} onChange={setPrivate} />
      </Form>
    </div>
  );
}
