import { useState, type FormEvent } from "react";
import { path } from "../api/client";
import { useAction, useRequest } from "../api/hooks";
import { useSession } from "../api/session";
import type { Account, Session } from "../api/types";
import { useTexts } from "../i18n/language";
import { navigate } from "../lib/navigation";
import { Field } from "./Field";
import { Problem } from "./Problem";

interface DeleteAccountProps {
  account: Account;
  /** Whose password is asked for. */
  asker: string;
}

/** Deletes a user's account or an organization: its name is typed and a password shown first. */
export function DeleteAccount({ account, asker }: DeleteAccountProps) {
  const { t } = useTexts();
  const { reload } = useSession();
  const send = useRequest();
  const [typed, setTyped] = useState("");
  const [password, setPassword] = useState("");
  const isOrganization = account.kind === "organization";
  const remove = useAction(async () => {
    await send<Session>("DELETE", path`/accounts/${account.name}`, { password });
    reload();
    navigate(isOrganization ? "/organizations" : "/");
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void remove.run();
  };
  return (
    <form className="form panel panel-danger" onSubmit={submit}>
      <h2>{t(isOrganization ? "leave.org" : "leave.user")}</h2>
      <p>{t(isOrganization ? "leave.org.text" : "leave.user.text", { name: account.name })}</p>
      <input type="text" name="username" autoComplete="username" value={asker} readOnly hidden />
      <Field
        label={t("danger.type", { name: account.name })}
        value={typed}
        onValue={setTyped}
        required
        autoComplete="off"
        autoCapitalize="none"
      />
      <Field
        label={t("leave.password")}
        type="password"
        value={password}
        onValue={setPassword}
        required
        autoComplete="current-password"
      />
      <Problem error={remove.error} />
      <p className="actions">
        <button className="button danger" disabled={typed !== account.name || !password || remove.isBusy}>
          {t("danger.delete")}
        </button>
      </p>
    </form>
  );
}
