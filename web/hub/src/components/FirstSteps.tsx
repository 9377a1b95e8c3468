import { useTexts } from "../i18n/language";

const STEPS = [
  ["home.step1", "home.step1.text", null],
  ["home.step2", "home.step2.text", "docker pull httpd"],
  ["home.step3", "home.step3.text", "docker run -p 8080:80 httpd"],
] as const;

/** The way from here to a running container, for beginners. */
export function FirstSteps() {
  const { t } = useTexts();
  return (
    <section className="first-steps" aria-labelledby="first-steps">
      <h2 id="first-steps">{t("home.first")}</h2>
      <ol>
        {STEPS.map(([title, text, command]) => (
          <li key={title}>
            <h3>{t(title)}</h3>
            <p>{t(text)}</p>
            {command && <code>{command}</code>}
          </li>
        ))}
      </ol>
    </section>
  );
}
