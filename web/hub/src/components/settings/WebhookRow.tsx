import { useState } from "react";
import { useAction, useRequest } from "../../api/hooks";
import type { Delivery, Done, Webhook } from "../../api/types";
import { useTexts } from "../../i18n/language";
import { useAnnounce } from "../../lib/announce";
import { Problem } from "../Problem";
import { Deliveries } from "./Deliveries";

interface WebhookRowProps {
  base: string;
  webhook: Webhook;
  reload: () => void;
}

export function WebhookRow({ base, webhook, reload }: WebhookRowProps) {
  const { t } = useTexts();
  const send = useRequest();
  const announce = useAnnounce();
  const [isOpen, setOpen] = useState(false);
  const [round, setRound] = useState(0);
  const own = `${base}/${webhook.id}`;
  const act = useAction(async (work: "test" | "toggle" | "remove") => {
    if (work === "test") {
      await send<Delivery>("POST", `${own}/test`);
      announce(t("webhooks.sent"));
      setOpen(true);
      setRound(round + 1);
      return;
    }
    if (work === "toggle") await send<Webhook>("PATCH", own, { isActive: !webhook.isActive });
    else await send<Done>("DELETE", own);
    reload();
  });
  return (
    <li>
      <div className="row-main">
        <strong>{webhook.name}</strong>
        <small>{webhook.url}</small>
        <small>{webhook.events.map((event) => t(`webhooks.${event}`)).join(", ")}</small>
      </div>
      <span className="pill">{t(webhook.isActive ? "webhooks.active" : "webhooks.paused")}</span>
      <button className="button quiet small" onClick={() => act.run("test")} disabled={act.isBusy}>
        {t("webhooks.test")}
      </button>
      <button className="button quiet small" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        {t("webhooks.deliveries")}
      </button>
      <button className="button quiet small" onClick={() => act.run("toggle")} disabled={act.isBusy}>
        {t(webhook.isActive ? "webhooks.pause" : "webhooks.resume")}
      </button>
      <button className="button quiet small" onClick={() => act.run("remove")} disabled={act.isBusy}>
        {t("remove")}
      </button>
      <Problem error={act.error} />
      {isOpen && <Deliveries key={round} path={`${own}/deliveries`} />}
    </li>
  );
}
