import { useState } from "react";
import { path } from "../api/client";
import { useAction, useRequest } from "../api/hooks";
import type { AdminAccount, AdminAccountChange } from "../api/types";
import { useTexts } from "../i18n/language";
import { bytes } from "../lib/format";
import { Link } from "../lib/navigation";
import { to } from "../routes";
import { Problem } from "./Problem";
import { Tile } from "./Tile";

const GB = 1_000_000_000;

export function AdminAccountRow({ account, reload }: { account: AdminAccount; reload: () => void }) {
  const { t } = useTexts();
  const send = useRequest();
  const [quota, setQuota] = useState(account.quotaBytes === null ? "" : String(account.quotaBytes / GB));
  const change = useAction(async (what: AdminAccountChange) => {
    await send<AdminAccount>("PATCH", path`/admin/accounts/${account.name}`, what);
    reload();
  });
  const isUser = account.kind === "user";
  const saveQuota = () => change.run({ quotaBytes: quota ? Math.round(Number(quota) * GB) : null });
  const limit = account.quotaBytes === null ? t("admin.noQuota") : bytes(account.quotaBytes);
  return (
    <li>
      <Tile name={account.name} size="small" />
      <span className="row-main">
        <Link to={to.account(account.name)}>{account.name}</Link>
        <small>
          {[account.displayName, account.email].filter(Boolean).join(" · ")}
          {" "}
          {t("admin.used")} {bytes(account.usedBytes)} · {t("admin.quota")} {limit}
        </small>
      </span>
      {account.isAdmin && <span className="pill">{t("admin.admin")}</span>}
      {account.isVerified && <span className="badge badge-verified">{t("admin.verified")}</span>}
      {account.isDisabled && <span className="pill">{t("admin.disabled")}</span>}
      <span className="actions">
        <input
          className="inline-input"
          type="number"
          min={0}
          step="any"
          size={6}
          aria-label={t("admin.quota.gb", { name: account.name })}
          placeholder="GB"
          value={quota}
          onChange={(event) => setQuota(event.target.value)}
        />
        <button className="button quiet small" onClick={saveQuota}>
          {t("save")}
        </button>
        <button className="button quiet small" onClick={() => change.run({ isVerified: !account.isVerified })}>
          {t(account.isVerified ? "admin.unverify" : "admin.verify")}
        </button>
        {isUser && (
          <>
            <button className="button quiet small" onClick={() => change.run({ isAdmin: !account.isAdmin })}>
              {t(account.isAdmin ? "admin.unmakeAdmin" : "admin.makeAdmin")}
            </button>
            <button className="button quiet small" onClick={() => change.run({ isDisabled: !account.isDisabled })}>
              {t(account.isDisabled ? "admin.enable" : "admin.disable")}
            </button>
          </>
        )}
      </span>
      <Problem error={change.error} />
    </li>
  );
}
