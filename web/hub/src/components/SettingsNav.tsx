import { useTexts } from "../i18n/language";
import { Link, useAddress } from "../lib/navigation";

type Section = "general" | "overview" | "tags" | "webhooks" | "access" | "danger";

export function SettingsNav({ home, sections }: { home: string; sections: readonly Section[] }) {
  const { t } = useTexts();
  const { path } = useAddress();
  return (
    <nav className="settings-nav" aria-label={t("repo.settings")}>
      {sections.map((section, at) => {
        const place = at === 0 ? home : `${home}/${section}`;
        return (
          <Link key={section} to={place} aria-current={path === place ? "page" : undefined}>
            {t(`settings.${section}`)}
          </Link>
        );
      })}
    </nav>
  );
}
