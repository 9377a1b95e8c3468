import type { Card } from "../api/types";
import { useTexts } from "../i18n/language";
import { Icon } from "./Icon";

/** The badge as a mark without its explanation, for tight places. */
export function BadgeMark({ badge }: { badge: Card["badge"] }) {
  const { t } = useTexts();
  if (!badge) return null;
  return (
    <span className={`badge-mark badge-${badge}`}>
      <Icon name="shield" />
      {t(`badge.${badge}`)}
    </span>
  );
}
