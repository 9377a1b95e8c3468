import { useTexts } from "../i18n/language";
import { CopyButton } from "./CopyButton";

export function Dockerfile({ text }: { text: string }) {
  const { t } = useTexts();
  return (
    <section aria-labelledby="dockerfile">
      <h3 id="dockerfile">{t("tag.dockerfile")}</h3>
      <p className="quiet-text">{t("tag.dockerfile.text")}</p>
      <div className="code-block">
        <pre tabIndex={0}>
          <code>{text}</code>
        </pre>
        <CopyButton text={text} isSmall />
      </div>
    </section>
  );
}
