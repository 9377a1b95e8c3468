import { useState } from "react";
import { useAction, useRequest } from "../../api/hooks";
import type { SweepAnswer } from "../../api/types";
import { AdminFrame } from "../../components/AdminFrame";
import { Problem } from "../../components/Problem";
import { useTexts } from "../../i18n/language";
import { bytes } from "../../lib/format";

export default function SweepPage() {
  return (
    <AdminFrame>
      <Sweep />
    </AdminFrame>
  );
}

function Sweep() {
  const { t } = useTexts();
  const send = useRequest();
  const [answer, setAnswer] = useState<SweepAnswer | null>(null);
  const sweep = useAction(async () => {
    setAnswer(await send<SweepAnswer>("POST", "/admin/sweep"));
  });
  return (
    <section className="panel">
      <p>{t("admin.sweep.text")}</p>
      <Problem error={sweep.error} />
      {answer && (
        <p className="success" role="status">
          {t("admin.sweep.done", {
            bytes: bytes(answer.bytes),
            blobs: answer.blobs,
            uploads: answer.uploads,
          })}
        </p>
      )}
      <p className="actions">
        <button className="button" disabled={sweep.isBusy} onClick={() => sweep.run()}>
          {sweep.isBusy ? t("loading") : t("admin.sweep.run")}
        </button>
      </p>
    </section>
  );
}
