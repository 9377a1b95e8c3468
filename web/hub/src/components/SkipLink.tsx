import { useTexts } from "../i18n/language";

export function SkipLink() {
  const { t } = useTexts();
  const jump = () => document.getElementById("content")?.focus();
  return (
    <a className="skip-link" href="#content" onClick={jump}>
      {t("skip")}
    </a>
  );
}
