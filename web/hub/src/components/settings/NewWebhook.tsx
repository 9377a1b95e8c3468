import { useState } from "react";
import { useAction, useRequest } from "../../api/hooks";
import type { Webhook } from "../../api/types";
import { useTexts } from "../../i18n/language";
import { Field } from "../Field";
import { Form } from "../Form";

const EVENTS = ["push", "delete", "pull"] as const;
type Event = (typeof EVENTS)[number];

export function NewWebhook({ base, onMade }: { base: string; onMade: () => void }) {
  const { t } = useTexts();
  const send = useRequest();
  const [name, setName] = useState("");
  const [url, setUrl] = useState("");
  const [secret, setSecret] = useState("");
  const [events, setEvents] = useState<readonly Event[]>(["push"]);
  const create = useAction(async () => {
    await send<Webhook>("POST", base, { name, url, secret, events });
    setName("");
    setUrl("");
    setSecret("");
    onMade();
  });
  const toggle = (event: Event) =>
    setEvents(events.includes(event) ? events.filter((each) => each !== event) : [...events, event]);
  return (
    <Form action={create} button={t("add")} done={t("saved")} className="panel">
      <Field label={t("webhooks.name")} value={name} onValue={setName} required maxLength={64} />
      <Field label={t("webhooks.url")} type="url" value={url} onValue={setUrl} required maxLength={2000} />
      <Field
        label={t("webhooks.secret")}
        hint={t("webhooks.secret.hint")}
        type="password"
        autoComplete="new-password"
        value={secret}
        onValue={setSecret}
        required={false}
      />
      <fieldset>
        <legend>{t("webhooks.events")}</legend>
        <div className="options">
          {EVENTS.map((event) => (
            <label key={event} className="option">
              <input type="checkbox" checked={events.includes(event)} onChange={() => toggle(event)} />
              {t(`webhooks.${event}`)}
            </label>
          ))}
        </div>
      </fieldset>
    </Form>
  );
}
