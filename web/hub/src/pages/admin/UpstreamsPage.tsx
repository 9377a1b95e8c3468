import { useState } from "react";
import { path } from "../../api/client";
import { useAction, useData, useRequest } from "../../api/hooks";
import type { Done, Upstream, Upstreams } from "../../api/types";
import { AdminFrame } from "../../components/AdminFrame";
import { Field } from "../../components/Field";
import { Form } from "../../components/Form";
import { Loader } from "../../components/Loader";
import { Problem } from "../../components/Problem";
import { useTexts } from "../../i18n/language";

export default function UpstreamsPage() {
  return (
    <AdminFrame>
      <UpstreamList />
    </AdminFrame>
  );
}

function UpstreamList() {
  const { t } = useTexts();
  const send = useRequest();
  const loaded = useData<Upstreams>("/admin/upstreams");
  const remove = useAction(async (account: string) => {
    await send<Done>("DELETE", path`/admin/upstreams/${account}`);
    loaded.reload();
  });
  return (
    <>
      <p className="quiet-text">{t("admin.upstreams.text")}</p>
      <Problem error={remove.error} />
      <Loader of={loaded}>
        {({ results }) =>
          results.length === 0 ? (
            <p>{t("admin.upstreams.none")}</p>
          ) : (
            <ul className="rows">
              {results.map((each) => (
                <li key={each.account}>
                  <span className="row-main">
                    <strong>{each.account}</strong>
                    <small>{each.url}</small>
                  </span>
                  <button className="button quiet small" onClick={() => remove.run(each.account)}>
                    {t("remove")}
                  </button>
                </li>
              ))}
            </ul>
          )
        }
      </Loader>
      <NewUpstream onDone={loaded.reload} />
    </>
  );
}

function NewUpstream({ onDone }: { onDone: () => void }) {
  const { t } = useTexts();
  const send = useRequest();
  const [account, setAccount] = useState("");
  const [url, setUrl] = useState("");
  const [userName, setUserName] = useState("");
  const [password, setPassword] = useState("");
  const [fresh, setFresh] = useState("300");
  const add = useAction(async () => {
    const secret = password ? { password } : {};
    const body = { url, userName, freshS: Number(fresh) || 300, ...secret };
    await send<Upstream>("PUT", path`/admin/upstreams/${account.trim()}`, body);
    setAccount("");
    setUrl("");
    setPassword("");
    onDone();
  });
  return (
    <Form action={add} button={t("add")} done={t("saved")} className="panel">
      <div className="form-row">
        <Field label={t("admin.upstreams.account")} value={account} onValue={setAccount} required autoCapitalize="none" />
        <Field label={t("admin.upstreams.url")} type="url" value={url} onValue={setUrl} required />
      </div>
      <div className="form-row">
        <Field label={t("admin.upstreams.user")} value={userName} onValue={setUserName} required={false} autoComplete="off" />
        <Field label={t("admin.upstreams.password")} type="password" value={password} onValue={setPassword} required={false} autoComplete="new-password" />
        <Field label={t("admin.upstreams.fresh")} type="number" min={0} value={fresh} onValue={setFresh} />
      </div>
    </Form>
  );
}
