import { useState } from "react";
import { path, query } from "../api/client";
import { useData } from "../api/hooks";
import { useSession } from "../api/session";
import type { CardPage } from "../api/types";
import { useTexts } from "../i18n/language";
import { useDelayed } from "../lib/delayed";
import { useSearchParams } from "../lib/navigation";
import { CardGrid } from "./CardGrid";
import { CopyButton } from "./CopyButton";
import { Loader } from "./Loader";
import { Notice } from "./Notice";
import { Pagination } from "./Pagination";

const PAGE_SIZE = 24;

/** An account's repositories; one's own also teach how to push when there are none. */
export function AccountRepositories({ account, isOwn = false }: { account: string; isOwn?: boolean }) {
  const { t } = useTexts();
  const [text, setText] = useState("");
  const q = useDelayed(text.trim(), 200);
  const page = Number.parseInt(useSearchParams().get("page") ?? "1", 10) || 1;
  const found = useData<CardPage>(
    path`/accounts/${account}/repositories` + query({ q, page, pageSize: PAGE_SIZE }),
  );
  const isFiltered = q !== "" || page > 1;
  return (
    <>
      {(isFiltered || (found.data?.count ?? 0) > 6) && (
        <div className="tag-filter">
          <input
            type="search"
            aria-label={t("own.filter")}
            placeholder={t("own.filter")}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </div>
      )}
      <Loader of={found}>
        {({ results, count }) => (
          <>
            {results.length > 0 && <CardGrid cards={results} />}
            {results.length === 0 && !isFiltered && isOwn && <FirstPush account={account} />}
            {results.length === 0 && (isFiltered || !isOwn) && (
              <Notice title={isFiltered ? t("explore.none") : t("account.noRepositories")} />
            )}
            <Pagination count={count} page={page} pageSize={PAGE_SIZE} />
          </>
        )}
      </Loader>
    </>
  );
}

function FirstPush({ account }: { account: string }) {
  const { t } = useTexts();
  const { session } = useSession();
  const registry = session ? new URL(session.hub.address).host : "";
  const image = `${registry}/${account}/hello`;
  const commands = [`docker login ${registry}`, `docker tag httpd ${image}:1.0`, `docker push ${image}:1.0`];
  return (
    <section className="how-to-push">
      <h2>{t("own.none")}</h2>
      <p>{t("own.none.hint")}</p>
      <ol>
        {commands.map((command) => (
          <li key={command} className="command-line">
            <code>{command}</code>
            <CopyButton text={command} isSmall />
          </li>
        ))}
      </ol>
    </section>
  );
}
