import type { ApiError } from "../api/client";
import { useTexts } from "../i18n/language";

/** Why an action did not work, beside the button that was pressed. */
export function Problem({ error }: { error: ApiError | null }) {
  const { t } = useTexts();
  if (!error) return null;
  return (
    <p className="problem" role="alert">
      <strong>{error.message || t("error.offline")}</strong>
      {error.hint && <span>{error.hint}</span>}
    </p>
  );
}
