import { useEffect, useRef } from "react";
import { useTexts } from "../i18n/language";
import { useAnnounce } from "../lib/announce";
import { copyText } from "../lib/clipboard";
import { navigate } from "../lib/navigation";

/** HTML that the hub has made of Markdown and cleaned; commands in it get a button to copy them. */
export function Markdown({ html }: { html: string }) {
  const { t } = useTexts();
  const announce = useAnnounce();
  const whole = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const top = whole.current;
    if (!top) return;
    const made: Element[] = [];
    for (const block of top.querySelectorAll("pre")) {
      const text = block.textContent?.trim() ?? "";
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy copy-small";
      button.textContent = t("copy");
      button.setAttribute("aria-label", t("copy.label", { text }));
      button.addEventListener("click", async () => {
        const worked = await copyText(text);
        button.textContent = worked ? t("copied") : t("copy");
        announce(worked ? t("copy.done", { text }) : t("copy.failed"));
      });
      block.tabIndex = 0;
      const frame = document.createElement("div");
      frame.className = "code-block";
      block.replaceWith(frame);
      frame.append(block, button);
      made.push(frame);
    }
    return () => {
      for (const frame of made) frame.replaceWith(...frame.querySelectorAll("pre"));
    };
  }, [html, t, announce]);
  const follow = (event: React.MouseEvent) => {
    const link = (event.target as Element).closest("a");
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
    if (!link || !isPlain || link.origin !== location.origin || !link.pathname.startsWith("/r/")) return;
    event.preventDefault();
    navigate(link.pathname + link.search);
  };
  return (
    <div
      ref={whole}
      className="markdown"
      onClick={follow}
      dangerouslySetInnerHTML={{ __html: html }}
    />
  );
}
