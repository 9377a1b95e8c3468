import { useState } from "react";
import { useAction, useRequest } from "../../api/hooks";
import type { Rendered, Repository } from "../../api/types";
import { useTexts } from "../../i18n/language";
import type { SectionProps } from "../../pages/repository/SettingsPage";
import { Area } from "../Field";
import { Form } from "../Form";
import { Markdown } from "../Markdown";
import { Problem } from "../Problem";
import { Segments } from "../Segments";

export function OverviewSection({ repository, base, reload }: SectionProps) {
  const { t } = useTexts();
  const send = useRequest();
  const [language, setLanguage] = useState<"en" | "ko">("en");
  const [view, setView] = useState<"write" | "preview">("write");
  const [html, setHtml] = useState("");
  const [texts, setTexts] = useState({
    en: repository.editing?.overview ?? "",
    ko: repository.editing?.overviewKo ?? "",
  });
  const save = useAction(async () => {
    await send<Repository>("PATCH", base, { overview: texts.en, overviewKo: texts.ko });
    reload();
  });
  const preview = useAction(async (of: "en" | "ko") => {
    setHtml((await send<Rendered>("POST", "/markdown", { text: texts[of] })).html);
  });
  const show = (chosen: "write" | "preview") => {
    setView(chosen);
    if (chosen === "preview") void preview.run(language);
  };
  const switchTo = (chosen: "en" | "ko") => {
    setLanguage(chosen);
    if (view === "preview") void preview.run(chosen);
  };
  return (
    <Form action={save} button={t("save")} done={t("saved")} className="panel">
      <div className="actions">
        <Segments
          label={t("language")}
          value={language}
          options={[
            ["en", t("settings.overviewEn")],
            ["ko", t("settings.overviewKo")],
          ]}
          onValue={switchTo}
        />
        <Segments
          label={t("settings.overview")}
          value={view}
          options={[
            ["write", t("settings.write")],
            ["preview", t("settings.preview")],
          ]}
          onValue={show}
        />
      </div>
      {view === "write" ? (
        <Area
          label={t("settings.overview")}
          hint={t("settings.markdown")}
          className="code"
          value={texts[language]}
          onValue={(text) => setTexts({ ...texts, [language]: text })}
        />
      ) : (
        <>
          <p className="quiet-text">{t("settings.preview.text")}</p>
          <Problem error={preview.error} />
          <Markdown html={html} />
        </>
      )}
    </Form>
  );
}
