import { useState } from "react";
import { useAction, useRequest } from "../../api/hooks";
import { useSession } from "../../api/session";
import type { Session } from "../../api/types";
import { Field } from "../../components/Field";
import { Form } from "../../components/Form";
import { Notice } from "../../components/Notice";
import { useTexts } from "../../i18n/language";
import { Link, navigate, useTitle } from "../../lib/navigation";

export default function SignUpPage() {
  const { t } = useTexts();
  const { session, reload } = useSession();
  const send = useRequest();
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  useTitle(t("signUp.title"));
  const signUp = useAction(async () => {
    await send<Session>("POST", "/accounts", { name, email, password });
    reload();
    navigate("/repositories");
  });
  if (session && !session.hub.canSignUp) {
    return <Notice level="h1" title={t("signUp.title")} text={t("signUp.closed")} />;
  }
  return (
    <div className="page-narrow">
      <header className="page-head">
        <h1>{t("signUp.title")}</h1>
        <p>{t("signIn.text")}</p>
      </header>
      <Form action={signUp} button={t("signUp.title")} className="panel">
        <Field
          label={t("signIn.name")}
          hint={t("signUp.name.hint", { name: name || t("signIn.name").toLowerCase() })}
          value={name}
          onValue={setName}
          required
          maxLength={39}
          autoComplete="username"
          autoCapitalize="none"
        />
        <Field label={t("signUp.email")} type="email" value={email} onValue={setEmail} required={false} autoComplete="email" />
        <Field
          label={t("signIn.password")}
          hint={t("signUp.password.hint")}
          type="password"
          value={password}
          onValue={setPassword}
          required
          minLength={8}
          autoComplete="new-password"
        />
        <p className="quiet-text">
          {t("signUp.have")} <Link to="/sign-in">{t("nav.signIn")}</Link>
        </p>
      </Form>
    </div>
  );
}
