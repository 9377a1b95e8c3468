import { useState } from "react";
import { useAction, useRequest } from "../../api/hooks";
import { useSession } from "../../api/session";
import type { Session } from "../../api/types";
import { Field } from "../../components/Field";
import { Form } from "../../components/Form";
import { useTexts } from "../../i18n/language";
import { Link, navigate, useSearchParams, useTitle } from "../../lib/navigation";
import { placeToReturn } from "../../lib/back";

export default function SignInPage() {
  const { t } = useTexts();
  const { session, reload } = useSession();
  const send = useRequest();
  const back = useSearchParams().get("back");
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  useTitle(t("signIn.title"));
  const signIn = useAction(async () => {
    await send<Session>("POST", "/session", { name, password });
    reload();
    navigate(placeToReturn(back));
  });
  return (
    <div className="page-narrow">
      <header className="page-head">
        <h1>{t("signIn.title")}</h1>
        <p>{t("signIn.text")}</p>
      </header>
      <Form action={signIn} button={t("signIn.title")} className="panel">
        <Field label={t("signIn.name")} value={name} onValue={setName} required autoComplete="username" autoCapitalize="none" />
        <Field label={t("signIn.password")} type="password" value={password} onValue={setPassword} required autoComplete="current-password" />
        {session?.hub.canSignUp && (
          <p className="quiet-text">
            {t("signIn.none")} <Link to="/sign-up">{t("nav.signUp")}</Link>
          </p>
        )}
      </Form>
    </div>
  );
}
