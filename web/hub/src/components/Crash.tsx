import { useTexts } from "../i18n/language";
import { Notice } from "./Notice";

export function Crash() {
  const { t } = useTexts();
  return (
    <Notice title={t("error.crash")} text={t("error.crash.hint")}>
      <button className="button" onClick={() => location.reload()}>
        {t("reload")}
      </button>
    </Notice>
  );
}
