import { useState } from "react";
import type { PageProps } from "../../App";
import { path } from "../../api/client";
import { useAction, useData, useRequest } from "../../api/hooks";
import type { Account, Member, Members } from "../../api/types";
import { AccountFrame } from "../../components/AccountFrame";
import { Choice } from "../../components/Choice";
import { Field } from "../../components/Field";
import { Form } from "../../components/Form";
import { Loader } from "../../components/Loader";
import { Problem } from "../../components/Problem";
import { Tile } from "../../components/Tile";
import { useTexts } from "../../i18n/language";

export default function MembersPage({ params }: PageProps) {
  return (
    <AccountFrame name={params.account ?? ""}>
      {(account) => <MemberList account={account} />}
    </AccountFrame>
  );
}

type Role = Member["role"];

function MemberList({ account }: { account: Account }) {
  const { t } = useTexts();
  const send = useRequest();
  const base = path`/organizations/${account.name}/members`;
  const loaded = useData<Members>(base);
  const isOwner = account.role === "owner";
  const remove = useAction(async (name: string) => {
    await send<Members>("DELETE", base + path`/${name}`);
    loaded.reload();
  });
  return (
    <div className="settings-body">
      <Problem error={remove.error} />
      <Loader of={loaded}>
        {({ results }) => (
          <ul className="rows">
            {results.map((member) => (
              <li key={member.name}>
                <Tile name={member.name} size="small" />
                <span className="row-main">
                  <strong>{member.name}</strong>
                  <small>{member.displayName}</small>
                </span>
                <span className="pill">{t(`org.${member.role}`)}</span>
                {isOwner && (
                  <button className="button quiet small" onClick={() => remove.run(member.name)}>
                    {t("remove")}
                  </button>
                )}
              </li>
            ))}
          </ul>
        )}
      </Loader>
      {isOwner && <AddMember base={base} onDone={loaded.reload} />}
    </div>
  );
}

function AddMember({ base, onDone }: { base: string; onDone: () => void }) {
  const { t } = useTexts();
  const send = useRequest();
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("member");
  const add = useAction(async () => {
    await send<Members>("PUT", base + path`/${name.trim()}`, { role });
    setName("");
    onDone();
  });
  return (
    <Form action={add} button={t("add")} done={t("saved")} className="panel">
      <h2>{t("org.addMember")}</h2>
      <div className="form-row">
        <Field label={t("org.user")} value={name} onValue={setName} required autoCapitalize="none" />
        <Choice
          label={t("org.role")}
          value={role}
          options={[
            ["member", t("org.member")],
            ["owner", t("org.owner")],
          ]}
          onValue={setRole}
        />
      </div>
    </Form>
  );
}
