import { useState } from "react";
import { query } from "../../api/client";
import { useData } from "../../api/hooks";
import type { AdminAccounts } from "../../api/types";
import { AdminAccountRow } from "../../components/AdminAccountRow";
import { AdminFrame } from "../../components/AdminFrame";
import { Loader } from "../../components/Loader";
import { Pagination } from "../../components/Pagination";
import { useTexts } from "../../i18n/language";
import { useDelayed } from "../../lib/delayed";
import { useSearchParams } from "../../lib/navigation";

const PAGE_SIZE = 25;

export default function AccountsPage() {
  return (
    <AdminFrame>
      <Accounts />
    </AdminFrame>
  );
}

function Accounts() {
  const { t } = useTexts();
  const [text, setText] = useState("");
  const q = useDelayed(text.trim(), 200);
  const page = Number.parseInt(useSearchParams().get("page") ?? "1", 10) || 1;
  const loaded = useData<AdminAccounts>(`/admin/accounts${query({ q, page, pageSize: PAGE_SIZE })}`);
  return (
    <>
      <div className="tag-filter">
        <input
          type="search"
          aria-label={t("admin.filter")}
          placeholder={t("admin.filter")}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </div>
      <Loader of={loaded}>
        {({ results, count }) => (
          <>
            <ul className="rows">
              {results.map((account) => (
                <AdminAccountRow key={account.name} account={account} reload={loaded.reload} />
              ))}
            </ul>
            <Pagination count={count} page={page} pageSize={PAGE_SIZE} />
          </>
        )}
      </Loader>
    </>
  );
}
