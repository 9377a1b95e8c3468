import { useState } from "react";
import { useAction, useData, useRequest } from "../../api/hooks";
import type { Repository, Retention } from "../../api/types";
import { useTexts } from "../../i18n/language";
import type { SectionProps } from "../../pages/repository/SettingsPage";
import { Field } from "../Field";
import { Form } from "../Form";
import { Loader } from "../Loader";
import { RetentionForm } from "./RetentionForm";

export function TagsSection({ repository, base, reload }: SectionProps) {
  const { t } = useTexts();
  const send = useRequest();
  const [pattern, setPattern] = useState(repository.editing?.immutableTags ?? "");
  const retention = useData<Retention>(`${base}/retention`);
  const save = useAction(async () => {
    await send<Repository>("PATCH", base, { immutableTags: pattern });
    reload();
  });
  return (
    <>
      <Form action={save} button={t("save")} done={t("saved")} className="panel">
        <Field
          label={t("settings.immutable")}
          hint={t("settings.immutable.hint")}
          value={pattern}
          onValue={setPattern}
          maxLength={200}
        />
      </Form>
      <section className="panel" aria-labelledby="retention">
        <h2 id="retention">{t("retention.title")}</h2>
        <p className="quiet-text">{t("retention.text")}</p>
        <Loader of={retention}>{(rules) => <RetentionForm base={base} saved={rules} />}</Loader>
      </section>
    </>
  );
}
