import type { ImageSettings as Settings } from "../api/types";
import { useTexts } from "../i18n/language";
import type { TextKey } from "../i18n/texts";
import { Age } from "./Age";

/** How a container of the image starts. */
export function ImageSettings({ settings }: { settings: Settings }) {
  const { t } = useTexts();
  const labels = Object.entries(settings.labels).map(([name, value]) => `${name}=${value}`);
  const rows: [TextKey, readonly string[]][] = [
    ["tag.entrypoint", asWords(settings.entrypoint)],
    ["tag.cmd", asWords(settings.cmd)],
    ["tag.ports", settings.exposedPorts],
    ["tag.volumes", settings.volumes],
    ["tag.workdir", asWords([settings.workingDir])],
    ["tag.user", asWords([settings.user])],
    ["tag.env", settings.env],
    ["tag.labels", labels],
  ];
  return (
    <section aria-labelledby="runs-with">
      <h3 id="runs-with">{t("tag.settings")}</h3>
      <dl className="facts facts-wide">
        {rows
          .filter(([, values]) => values.length > 0)
          .map(([key, values]) => (
            <div key={key}>
              <dt>{t(key)}</dt>
              <dd>
                {values.map((value) => (
                  <code key={value}>{value}</code>
                ))}
              </dd>
            </div>
          ))}
        {settings.createdAt && (
          <div>
            <dt>{t("tag.created")}</dt>
            <dd>
              <Age time={settings.createdAt} />
            </dd>
          </div>
        )}
      </dl>
    </section>
  );
}

function asWords(words: readonly string[]): string[] {
  const text = words.join(" ");
  return text ? [text] : [];
}
