import { useState } from "react";
import { path } from "../api/client";
import { useAction, useRequest } from "../api/hooks";
import { useSession } from "../api/session";
import type { Account } from "../api/types";
import { useTexts } from "../i18n/language";
import { Area, Field } from "./Field";
import { Form } from "./Form";

interface ProfileFormProps {
  account: Account;
  onDone?: () => void;
}

export function ProfileForm({ account, onDone }: ProfileFormProps) {
  const { t } = useTexts();
  const { reload } = useSession();
  const send = useRequest();
  const [displayName, setDisplayName] = useState(account.displayName);
  const [email, setEmail] = useState(account.email ?? "");
  const [about, setAbout] = useState(account.about);
  const save = useAction(async () => {
    await send<Account>("PATCH", path`/accounts/${account.name}`, { displayName, email, about });
    reload();
    onDone?.();
  });
  const isOrganization = account.kind === "organization";
  return (
    <Form action={save} button={t("save")} done={t("saved")} className="panel">
      <h2>{t("account.profile")}</h2>
      <Field label={t("signUp.displayName")} value={displayName} onValue={setDisplayName} maxLength={200} autoComplete={isOrganization ? "organization" : "name"} />
      <Field label={t("signUp.email")} type="email" value={email} onValue={setEmail} autoComplete="email" />
      <Area label={t(isOrganization ? "account.about.org" : "account.about")} value={about} onValue={setAbout} maxLength={2000} />
    </Form>
  );
}
