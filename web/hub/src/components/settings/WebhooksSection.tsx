import { useData } from "../../api/hooks";
import type { Webhooks } from "../../api/types";
import { useTexts } from "../../i18n/language";
import type { SectionProps } from "../../pages/repository/SettingsPage";
import { Loader } from "../Loader";
import { NewWebhook } from "./NewWebhook";
import { WebhookRow } from "./WebhookRow";

export function WebhooksSection({ base }: SectionProps) {
  const { t } = useTexts();
  const loaded = useData<Webhooks>(`${base}/webhooks`);
  return (
    <>
      <p className="quiet-text">{t("webhooks.text")}</p>
      <Loader of={loaded}>
        {({ results }) =>
          results.length === 0 ? (
            <p>{t("webhooks.none")}</p>
          ) : (
            <ul className="rows">
              {results.map((webhook) => (
                <WebhookRow key={webhook.id} base={`${base}/webhooks`} webhook={webhook} reload={loaded.reload} />
              ))}
            </ul>
          )
        }
      </Loader>
      <NewWebhook base={`${base}/webhooks`} onMade={loaded.reload} />
    </>
  );
}
