import { useState } from "react";
import { path } from "../api/client";
import { useAction, useRequest } from "../api/hooks";
import type { Team, Teams } from "../api/types";
import { useTexts } from "../i18n/language";
import { Confirm } from "./Confirm";
import { Field } from "./Field";
import { Form } from "./Form";
import { Problem } from "./Problem";

interface TeamPanelProps {
  base: string;
  team: Team;
  isOwner: boolean;
  reload: () => void;
}

export function TeamPanel({ base, team, isOwner, reload }: TeamPanelProps) {
  const { t } = useTexts();
  const send = useRequest();
  const [name, setName] = useState("");
  const [isAsking, setAsking] = useState(false);
  const own = base + path`/${team.name}`;
  const add = useAction(async () => {
    await send<Teams>("PUT", own + path`/members/${name.trim()}`);
    setName("");
    reload();
  });
  const remove = useAction(async (member: string) => {
    await send<Teams>("DELETE", own + path`/members/${member}`);
    reload();
  });
  const removeTeam = async () => {
    await send<Teams>("DELETE", own);
    reload();
  };
  return (
    <section className="panel" aria-label={team.name}>
      <div className="section-head">
        <h2>{team.name}</h2>
        {isOwner && (
          <button className="button quiet small" onClick={() => setAsking(true)}>
            {t("remove")}
          </button>
        )}
      </div>
      {team.about && <p className="quiet-text">{team.about}</p>}
      <Problem error={remove.error} />
      {team.members.length === 0 ? (
        <p className="quiet-text">{t("org.emptyTeam")}</p>
      ) : (
        <ul className="rows">
          {team.members.map((member) => (
            <li key={member}>
              <span className="row-main">{member}</span>
              {isOwner && (
                <button className="button quiet small" onClick={() => remove.run(member)}>
                  {t("remove")}
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
      {isOwner && (
        <Form action={add} button={t("org.addToTeam")} done={t("saved")}>
          <Field label={t("org.user")} value={name} onValue={setName} required autoCapitalize="none" />
        </Form>
      )}
      {isAsking && (
        <Confirm
          title={t("remove")}
          text={t("org.removeTeam.text")}
          action={t("remove")}
          work={removeTeam}
          onClose={() => setAsking(false)}
        />
      )}
    </section>
  );
}
