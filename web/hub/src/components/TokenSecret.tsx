import { useSession } from "../api/session";
import type { TokenMade } from "../api/types";
import { useTexts } from "../i18n/language";
import { CopyButton } from "./CopyButton";

/** A new token's secret, the only time it is shown. */
export function TokenSecret({ made, user }: { made: TokenMade; user: string }) {
  const { t } = useTexts();
  const { session } = useSession();
  const registry = session ? new URL(session.hub.address).host : "";
  const login = `docker login ${registry} -u ${user}`;
  return (
    <section className="success" role="status">
      <strong>{t("tokens.made")}</strong>
      <div className="command-line">
        <code>{made.secret}</code>
        <CopyButton text={made.secret} isSmall />
      </div>
      <p>{t("tokens.made.text")}</p>
      <div className="command-line">
        <code>{login}</code>
        <CopyButton text={login} isSmall />
      </div>
    </section>
  );
}
