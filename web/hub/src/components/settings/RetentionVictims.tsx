import type { RetentionPreview } from "../../api/types";
import { useTexts } from "../../i18n/language";
import { bytes } from "../../lib/format";
import { Age } from "../Age";

/** What the rules would delete if they were saved now. */
export function RetentionVictims({ preview }: { preview: RetentionPreview }) {
  const { t } = useTexts();
  return (
    <div role="status" className="field">
      <p>
        <strong>{t("retention.would", { count: preview.deletes.length, keeps: preview.keeps })}</strong>
      </p>
      {preview.deletes.length > 0 && (
        <ul className="rows">
          {preview.deletes.map((victim) => (
            <li key={victim.tag}>
              <span className="row-main">{victim.tag}</span>
              <span>{t("retention.rule", { number: victim.rule + 1 })}</span>
              <span>{bytes(victim.sizeBytes)}</span>
              <Age time={victim.pushedAt} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
