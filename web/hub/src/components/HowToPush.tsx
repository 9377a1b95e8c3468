import { useSession } from "../api/session";
import type { Repository } from "../api/types";
import { useTexts } from "../i18n/language";
import { imageName } from "../lib/command";
import { CopyButton } from "./CopyButton";

/** What an empty repository teaches: how the first image gets into it. */
export function HowToPush({ repository }: { repository: Repository }) {
  const { t } = useTexts();
  const { session } = useSession();
  const image = imageName(repository.pullCommand);
  const registry = session ? new URL(session.hub.address).host : "";
  const commands = [`docker login ${registry}`, `docker tag httpd ${image}:1.0`, `docker push ${image}:1.0`];
  return (
    <section className="how-to-push">
      <h2>{t("repo.empty")}</h2>
      <p>{t("repo.empty.hint")}</p>
      <ol>
        {commands.map((command) => (
          <li key={command} className="command-line">
            <code>{command}</code>
            <CopyButton text={command} isSmall />
          </li>
        ))}
      </ol>
    </section>
  );
}
