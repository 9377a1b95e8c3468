import { useState } from "react";
import { path } from "../api/client";
import { useAction, useRequest } from "../api/hooks";
import { useSession } from "../api/session";
import type { Account } from "../api/types";
import { useTexts } from "../i18n/language";
import { Field } from "./Field";
import { Form } from "./Form";

export function PasswordForm({ name }: { name: string }) {
  const { t } = useTexts();
  const { reload } = useSession();
  const send = useRequest();
  const [oldPassword, setOld] = useState("");
  const [password, setNew] = useState("");
  const change = useAction(async () => {
    await send<Account>("PATCH", path`/accounts/${name}`, { oldPassword, password });
    setOld("");
    setNew("");
    reload();
  });
  return (
    <Form action={change} button={t("account.password.change")} done={t("saved")} className="panel">
      <h2>{t("account.password")}</h2>
      <input type="text" name="username" autoComplete="username" value={name} readOnly hidden />
      <Field label={t("account.password.old")} type="password" value={oldPassword} onValue={setOld} required autoComplete="current-password" />
      <Field
        label={t("account.password.new")}
        hint={t("signUp.password.hint")}
        type="password"
        value={password}
        onValue={setNew}
        required
        minLength={8}
        autoComplete="new-password"
      />
    </Form>
  );
}
