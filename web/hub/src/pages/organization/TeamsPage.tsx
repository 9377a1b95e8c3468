import { useState } from "react";
import type { PageProps } from "../../App";
import { path } from "../../api/client";
import { useAction, useData, useRequest } from "../../api/hooks";
import type { Account, Teams } from "../../api/types";
import { AccountFrame } from "../../components/AccountFrame";
import { Field } from "../../components/Field";
import { Form } from "../../components/Form";
import { Loader } from "../../components/Loader";
import { TeamPanel } from "../../components/TeamPanel";
import { useTexts } from "../../i18n/language";

export default function TeamsPage({ params }: PageProps) {
  return (
    <AccountFrame name={params.account ?? ""}>
      {(account) => <TeamList account={account} />}
    </AccountFrame>
  );
}

function TeamList({ account }: { account: Account }) {
  const { t } = useTexts();
  const base = path`/organizations/${account.name}/teams`;
  const loaded = useData<Teams>(base);
  const isOwner = account.role === "owner";
  return (
    <div className="settings-body">
      <Loader of={loaded}>
        {({ results }) => (
          <>
            {results.length === 0 && <p className="quiet-text">{t("org.noTeams")}</p>}
            {results.map((team) => (
              <TeamPanel key={team.name} base={base} team={team} isOwner={isOwner} reload={loaded.reload} />
            ))}
          </>
        )}
      </Loader>
      {isOwner && <NewTeam base={base} onDone={loaded.reload} />}
    </div>
  );
}

function NewTeam({ base, onDone }: { base: string; onDone: () => void }) {
  const { t } = useTexts();
  const send = useRequest();
  const [name, setName] = useState("");
  const [about, setAbout] = useState("");
  const create = useAction(async () => {
    await send<Teams>("PUT", base + path`/${name.trim()}`, { about });
    setName("");
    setAbout("");
    onDone();
  });
  return (
    <Form action={create} button={t("create")} done={t("saved")} className="panel">
      <h2>{t("org.newTeam")}</h2>
      <div className="form-row">
        <Field label={t("org.name")} value={name} onValue={setName} required maxLength={39} autoCapitalize="none" />
        <Field label={t("org.team.about")} value={about} onValue={setAbout} required={false} />
      </div>
    </Form>
  );
}
