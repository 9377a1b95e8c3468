import { useTexts } from "../i18n/language";

export function Loading() {
  const { t } = useTexts();
  return (
    <p className="loading" role="status">
      <span className="loading-bar" aria-hidden="true" />
      <span className="visually-hidden">{t("loading")}</span>
    </p>
  );
}
