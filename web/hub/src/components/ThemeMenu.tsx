import { useState } from "react";
import { useTexts } from "../i18n/language";
import { keepTheme, storedTheme } from "../lib/theme";
import { Icon } from "./Icon";
import { Menu } from "./Menu";

const THEMES = ["system", "light", "dark"] as const;
const ICONS = { system: "screen", light: "sun", dark: "moon" } as const;

export function ThemeMenu() {
  const { t } = useTexts();
  const [theme, setTheme] = useState(storedTheme);
  return (
    <Menu label={t("theme")} button={<Icon name={ICONS[theme]} />}>
      {(close) =>
        THEMES.map((each) => (
          <button
            key={each}
            className="menu-item"
            aria-pressed={theme === each}
            onClick={() => {
              keepTheme(each);
              setTheme(each);
              close();
            }}
          >
            <Icon name={ICONS[each]} />
            {t(`theme.${each}`)}
          </button>
        ))
      }
    </Menu>
  );
}
