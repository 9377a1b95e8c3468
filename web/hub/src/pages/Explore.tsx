import { useEffect } from "react";
import { query } from "../api/client";
import { useData } from "../api/hooks";
import type { Categories, ExploreAnswer } from "../api/types";
import { CardGrid } from "../components/CardGrid";
import { Filters } from "../components/Filters";
import { Loader } from "../components/Loader";
import { Notice } from "../components/Notice";
import { Pagination } from "../components/Pagination";
import { Products } from "../components/Products";
import { SortChoice } from "../components/SortChoice";
import { useTexts } from "../i18n/language";
import { useAnnounce } from "../lib/announce";
import { Link, useSearchParams, useTitle } from "../lib/navigation";
import { askedFor, hasFilters, isFrontPage, PAGE_SIZE } from "../lib/explore";

/** Products and categories; with a product, a word or a filter its results. */
export function Explore() {
  const { t } = useTexts();
  const params = useSearchParams();
  const asked = askedFor(params);
  const answer = useData<ExploreAnswer>(`/explore${query({ ...asked, pageSize: PAGE_SIZE })}`);
  const categories = useData<Categories>("/categories").data?.results ?? [];
  const isFront = isFrontPage(params);
  const q = asked.q;
  useTitle(q || t("explore.title"));
  const summary = answer.data && resultsText(t, answer.data.count);
  useTold(isFront || answer.isLoading ? null : summary);
  return (
    <div className="page">
      <header className="page-head">
        <h1>{t("explore.title")}</h1>
        <p>{t("explore.lead")}</p>
      </header>
      <Products facets={answer.data?.facets.product ?? []} current={asked.product} />
      <div className="explore">
        <Filters facets={answer.data?.facets ?? null} categories={categories} />
        <section className="results" aria-labelledby="results" aria-busy={answer.isLoading}>
          <div className="section-head">
            <h2 id="results">
              {isFront ? t("home.popular") : (summary ?? t("loading"))}
              {q && <span className="results-for"> {t("explore.for", { q })}</span>}
            </h2>
            <SortChoice value={asked.sort} />
          </div>
          <Loader of={answer}>
            {(found) => (
              <>
                {found.corrected && (
                  <p className="corrected">
                    {t("explore.corrected", { q, corrected: found.corrected })}
                  </p>
                )}
                {found.results.length === 0 ? (
                  <Notice title={t("explore.none")} text={t("explore.none.hint")}>
                    {hasFilters(params) && (
                      <Link className="button quiet" to={`/explore${query({ q })}`}>
                        {t("explore.clear")}
                      </Link>
                    )}
                  </Notice>
                ) : (
                  <CardGrid cards={found.results} />
                )}
                <Pagination count={found.count} page={asked.page} pageSize={PAGE_SIZE} />
              </>
            )}
          </Loader>
        </section>
      </div>
    </div>
  );
}

type T = ReturnType<typeof useTexts>["t"];

function resultsText(t: T, count: number): string {
  return count === 1 ? t("explore.results.one") : t("explore.results", { count });
}

function useTold(text: string | null): void {
  const announce = useAnnounce();
  useEffect(() => {
    if (text) announce(text);
  }, [text, announce]);
}
