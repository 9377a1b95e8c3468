import { useState, type FormEvent } from "react";
import { useAction, useRequest } from "../../api/hooks";
import type { Done } from "../../api/types";
import { useTexts } from "../../i18n/language";
import { navigate } from "../../lib/navigation";
import type { SectionProps } from "../../pages/repository/SettingsPage";
import { Field } from "../Field";
import { Problem } from "../Problem";

export function DangerSection({ repository, base }: SectionProps) {
  const { t } = useTexts();
  const send = useRequest();
  const [typed, setTyped] = useState("");
  const remove = useAction(async () => {
    await send<Done>("DELETE", base);
    navigate("/repositories");
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void remove.run();
  };
  return (
    <form className="form panel panel-danger" onSubmit={submit}>
      <h2>{t("danger.title")}</h2>
      <p>{t("danger.text")}</p>
      <Field
        label={t("danger.type", { name: repository.name })}
        value={typed}
        onValue={setTyped}
        autoComplete="off"
        autoCapitalize="none"
      />
      <Problem error={remove.error} />
      <p className="actions">
        <button className="button danger" disabled={typed !== repository.name || remove.isBusy}>
          {t("danger.delete")}
        </button>
      </p>
    </form>
  );
}
