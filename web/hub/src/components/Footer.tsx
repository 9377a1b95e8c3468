import { useSession } from "../api/session";
import { useTexts } from "../i18n/language";

export function Footer() {
  const { t } = useTexts();
  const { session } = useSession();
  return (
    <footer className="footer">
      <div className="footer-inner">
        <span>{t("footer.text")}</span>
        {session && <span>{t("footer.version", { version: session.hub.version })}</span>}
      </div>
    </footer>
  );
}
