import { useState } from "react";
import { useAction, useRequest } from "../api/hooks";
import type { TokenMade } from "../api/types";
import { useTexts } from "../i18n/language";
import { Choice } from "./Choice";
import { Field } from "./Field";
import { Form } from "./Form";

const SCOPES = ["read", "write", "admin"] as const;
const DAYS = ["30", "90", "365", ""] as const;

export function NewToken({ onMade }: { onMade: (made: TokenMade) => void }) {
  const { t } = useTexts();
  const send = useRequest();
  const [name, setName] = useState("");
  const [scope, setScope] = useState<(typeof SCOPES)[number]>("write");
  const [days, setDays] = useState<(typeof DAYS)[number]>("90");
  const create = useAction(async () => {
    const expiresInDays = days ? Number(days) : null;
    onMade(await send<TokenMade>("POST", "/tokens", { name, scope, expiresInDays }));
    setName("");
  });
  return (
    <Form action={create} button={t("tokens.make")} className="panel">
      <h2>{t("tokens.new")}</h2>
      <Field label={t("tokens.name")} placeholder={t("tokens.name.placeholder")} value={name} onValue={setName} required maxLength={200} />
      <div className="form-row">
        <Choice
          label={t("tokens.scope")}
          value={scope}
          options={SCOPES.map((each) => [each, t(`scope.${each}`)])}
          onValue={setScope}
        />
        <Choice
          label={t("tokens.expires")}
          value={days}
          options={DAYS.map((each) => [each, each ? t("tokens.days", { count: each }) : t("tokens.never")])}
          onValue={setDays}
        />
      </div>
    </Form>
  );
}
