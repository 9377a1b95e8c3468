import type { RetentionRule } from "../../api/types";
import { useTexts } from "../../i18n/language";
import { Choice } from "../Choice";
import { Field } from "../Field";

interface RuleProps {
  title: string;
  rule: RetentionRule;
  onChange: (rule: RetentionRule) => void;
  onRemove: () => void;
}

export function RetentionRuleFields({ title, rule, onChange, onRemove }: RuleProps) {
  const { t } = useTexts();
  const number = (text: string) => (text === "" ? null : Math.max(0, Number.parseInt(text, 10) || 0));
  return (
    <fieldset>
      <legend>{title}</legend>
      <div className="form-row">
        <Field
          label={t("retention.pattern")}
          value={rule.pattern ?? "*"}
          onValue={(pattern) => onChange({ ...rule, pattern })}
        />
        <Field
          label={t("retention.keep")}
          type="number"
          min={0}
          value={String(rule.keepLast ?? "")}
          onValue={(text) => onChange({ ...rule, keepLast: number(text) })}
        />
        <Field
          label={t("retention.days")}
          type="number"
          min={0}
          value={String(rule.olderThanDays ?? "")}
          onValue={(text) => onChange({ ...rule, olderThanDays: number(text) })}
        />
        <Choice
          label={t("retention.since")}
          value={rule.since ?? "pushed"}
          options={[
            ["pushed", t("retention.pushed")],
            ["pulled", t("retention.pulled")],
          ]}
          onValue={(since) => onChange({ ...rule, since })}
        />
        <button type="button" className="button quiet" onClick={onRemove}>
          {t("remove")}
        </button>
      </div>
    </fieldset>
  );
}
