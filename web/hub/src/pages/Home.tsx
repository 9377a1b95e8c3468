import { query } from "../api/client";
import { useData } from "../api/hooks";
import { useSession } from "../api/session";
import type { Categories, ExploreAnswer } from "../api/types";
import { CardGrid } from "../components/CardGrid";
import { CategoryList } from "../components/CategoryList";
import { FirstSteps } from "../components/FirstSteps";
import { Loader } from "../components/Loader";
import { useTexts } from "../i18n/language";
import { Link, useTitle } from "../lib/navigation";

const SHOWN = 6;

export function Home() {
  const { t } = useTexts();
  const { session } = useSession();
  const popular = useData<ExploreAnswer>(
    `/explore${query({ product: "image", sort: "pulls", pageSize: SHOWN })}`,
  );
  const categories = useData<Categories>("/categories");
  useTitle(session?.hub.name ?? "Hub");
  return (
    <>
      <section className="hero">
        <div className="page">
          <h1>{t("home.title")}</h1>
          <p>{t("home.lead")}</p>
          <p className="actions">
            <Link className="button large" to="/explore">
              {t("nav.explore")}
            </Link>
            {session && !session.user && session.hub.canSignUp && (
              <Link className="button large quiet" to="/sign-up">
                {t("nav.signUp")}
              </Link>
            )}
          </p>
        </div>
        <svg className="hero-water" viewBox="0 0 1200 60" preserveAspectRatio="none" aria-hidden="true">
          <path d="M0 30c100-30 200-30 300 0s200 30 300 0 200-30 300 0 200 30 300 0v30H0Z" />
        </svg>
      </section>
      <div className="page">
        <FirstSteps />
        <section aria-labelledby="popular">
          <div className="section-head">
            <h2 id="popular">{t("home.popular")}</h2>
            <Link to="/explore?product=image&sort=pulls">{t("home.all")}</Link>
          </div>
          <Loader of={popular}>{(found) => <CardGrid cards={found.results} />}</Loader>
        </section>
        <section aria-labelledby="categories">
          <h2 id="categories">{t("home.categories")}</h2>
          <Loader of={categories}>{(all) => <CategoryList categories={all.results} />}</Loader>
        </section>
      </div>
    </>
  );
}
