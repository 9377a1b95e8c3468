import { useState } from "react";
import { useAction, useRequest } from "../../api/hooks";
import type { Retention, RetentionPreview, RetentionRule } from "../../api/types";
import { useTexts } from "../../i18n/language";
import { splitList } from "../../lib/lists";
import { Field } from "../Field";
import { Form } from "../Form";
import { Problem } from "../Problem";
import { RetentionRuleFields } from "./RetentionRuleFields";
import { RetentionVictims } from "./RetentionVictims";

const NEW_RULE: RetentionRule = { pattern: "*", keepLast: 10, olderThanDays: 30, since: "pushed" };

export function RetentionForm({ base, saved }: { base: string; saved: Retention }) {
  const { t } = useTexts();
  const send = useRequest();
  const [rules, setRules] = useState<readonly RetentionRule[]>(saved.rules ?? []);
  const [kept, setKept] = useState((saved.protected ?? []).join(", "));
  const [preview, setPreview] = useState<RetentionPreview | null>(null);
  const wanted = { rules, protected: splitList(kept) };
  const save = useAction(async () => {
    await send<Retention>("PUT", `${base}/retention`, wanted);
  });
  const look = useAction(async () => {
    setPreview(await send<RetentionPreview>("POST", `${base}/retention/preview`, wanted));
  });
  const change = (changed: readonly RetentionRule[]) => {
    setRules(changed);
    setPreview(null);
  };
  return (
    <Form action={save} button={t("save")} done={t("saved")}>
      {rules.length === 0 && <p>{t("retention.none")}</p>}
      {rules.map((rule, at) => (
        <RetentionRuleFields
          key={at}
          title={t("retention.rule", { number: at + 1 })}
          rule={rule}
          onChange={(changed) => change(rules.map((each, other) => (other === at ? changed : each)))}
          onRemove={() => change(rules.filter((_, other) => other !== at))}
        />
      ))}
      <p className="actions">
        <button type="button" className="button quiet" onClick={() => change([...rules, NEW_RULE])}>
          {t("retention.add")}
        </button>
        <button type="button" className="button quiet" disabled={look.isBusy} onClick={() => look.run()}>
          {t("retention.preview")}
        </button>
      </p>
      <Field label={t("retention.protected")} hint={t("retention.protected.hint")} value={kept} onValue={setKept} />
      <Problem error={look.error} />
      {preview && <RetentionVictims preview={preview} />}
    </Form>
  );
}
