import { query } from "../api/client";
import { useData } from "../api/hooks";
import type { AuditPage } from "../api/types";
import { useTexts } from "../i18n/language";
import { isKnown, type TextKey } from "../i18n/texts";
import { useSearchParams } from "../lib/navigation";
import { Age } from "./Age";
import { Loader } from "./Loader";
import { Notice } from "./Notice";
import { Pagination } from "./Pagination";

const PAGE_SIZE = 50;

export function AuditTable({ account }: { account: string }) {
  const { t } = useTexts();
  const action = (name: string) => (isKnown(`did.${name}`) ? t(`did.${name}` as TextKey) : name);
  const page = Number.parseInt(useSearchParams().get("page") ?? "1", 10) || 1;
  const loaded = useData<AuditPage>(`/audit${query({ account, page, pageSize: PAGE_SIZE })}`);
  return (
    <Loader of={loaded}>
      {({ results, count }) =>
        results.length === 0 ? (
          <Notice title={t("audit.none")} />
        ) : (
          <>
            <div className="table-frame">
              <table>
                <thead>
                  <tr>
                    <th scope="col">{t("audit.when")}</th>
                    <th scope="col">{t("audit.who")}</th>
                    <th scope="col">{t("audit.what")}</th>
                    <th scope="col">{t("audit.target")}</th>
                    <th scope="col">{t("audit.from")}</th>
                  </tr>
                </thead>
                <tbody>
                  {results.map((entry, at) => (
                    <tr key={at}>
                      <td>
                        <Age time={entry.at} />
                      </td>
                      <td>{entry.actor}</td>
                      <td title={entry.action}>{action(entry.action)}</td>
                      <td>{entry.target}</td>
                      <td>{entry.address}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            <Pagination count={count} page={page} pageSize={PAGE_SIZE} />
          </>
        )
      }
    </Loader>
  );
}
