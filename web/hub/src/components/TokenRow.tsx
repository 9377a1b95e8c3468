import type { Token } from "../api/types";
import { useTexts } from "../i18n/language";
import { age } from "../lib/format";

export function TokenRow({ token, onRevoke }: { token: Token; onRevoke: () => void }) {
  const { language, t } = useTexts();
  const used = token.lastUsedAt
    ? t("tokens.used", { age: age(token.lastUsedAt, language) })
    : t("tokens.unused");
  return (
    <li>
      <span className="row-main">
        <strong>{token.name}</strong>
        <small>
          <code>{token.hint}…</code> · {used}
          {token.expiresAt && ` · ${t("tokens.until", { age: age(token.expiresAt, language) })}`}
        </small>
      </span>
      <span>{t(`scope.${token.scope}`)}</span>
      <button className="button quiet small" onClick={onRevoke}>
        {t("tokens.revoke")}
      </button>
    </li>
  );
}
