import { useTexts } from "../i18n/language";
import { Icon } from "./Icon";
import { Menu } from "./Menu";

const LANGUAGES = [
  ["en", "English"],
  ["ko", "한국어"],
] as const;

export function LanguageMenu() {
  const { language, setLanguage, t } = useTexts();
  return (
    <Menu label={t("language")} button={<Icon name="globe" />}>
      {(close) =>
        LANGUAGES.map(([code, name]) => (
          <button
            key={code}
            className="menu-item"
            lang={code}
            aria-pressed={language === code}
            onClick={() => {
              setLanguage(code);
              close();
            }}
          >
            {name}
          </button>
        ))
      }
    </Menu>
  );
}
