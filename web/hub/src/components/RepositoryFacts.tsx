import { useData } from "../api/hooks";
import type { Categories, Repository } from "../api/types";
import { useTexts } from "../i18n/language";
import { count } from "../lib/format";
import { Link } from "../lib/navigation";
import { to } from "../routes";
import { Age } from "./Age";

export function RepositoryFacts({ repository }: { repository: Repository }) {
  const { language, t } = useTexts();
  const categories = useData<Categories>("/categories").data?.results ?? [];
  const own = categories.filter((category) => repository.categories.includes(category.slug));
  return (
    <dl className="facts">
      <dt>{t("repo.pulls")}</dt>
      <dd>{count(repository.pulls, language)}</dd>
      <dt>{t("repo.pushed")}</dt>
      <dd>{repository.pushedAt ? <Age time={repository.pushedAt} /> : t("repo.neverPushed")}</dd>
      {repository.architectures.length > 0 && (
        <>
          <dt>{t("repo.platforms")}</dt>
          <dd>{repository.architectures.join(", ")}</dd>
        </>
      )}
      <dt>{t("repo.publisher")}</dt>
      <dd>
        <Link to={to.account(repository.account)}>
          {repository.account === "library" ? t("publisher.official") : repository.publisher || repository.account}
        </Link>
      </dd>
      {own.length > 0 && (
        <>
          <dt>{t("repo.categories")}</dt>
          <dd className="chips">
            {own.map((category) => (
              <Link key={category.slug} className="chip" to={to.category(category.slug)}>
                {category.name}
              </Link>
            ))}
          </dd>
        </>
      )}
    </dl>
  );
}
