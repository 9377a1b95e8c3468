import { useEffect, useState } from "react";
import { useTexts } from "../i18n/language";
import { useAnnounce } from "../lib/announce";
import { copyText } from "../lib/clipboard";
import { Icon } from "./Icon";

/** Copies a text and says so, to eyes and to screen readers. */
export function CopyButton({ text, isSmall = false }: { text: string; isSmall?: boolean }) {
  const { t } = useTexts();
  const announce = useAnnounce();
  const [isDone, setDone] = useState(false);
  useEffect(() => {
    if (!isDone) return;
    const timer = setTimeout(() => setDone(false), 2000);
    return () => clearTimeout(timer);
  }, [isDone]);
  const copy = async () => {
    const worked = await copyText(text);
    setDone(worked);
    announce(worked ? t("copy.done", { text }) : t("copy.failed"));
  };
  return (
    <button
      type="button"
      className={isSmall ? "copy copy-small" : "copy"}
      data-done={isDone || undefined}
      aria-label={t("copy.label", { text })}
      onClick={copy}
    >
      <Icon name={isDone ? "check" : "copy"} />
      <span className="copy-word">{isDone ? t("copied") : t("copy")}</span>
    </button>
  );
}
