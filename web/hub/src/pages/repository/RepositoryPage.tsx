import type { PageProps } from "../../App";
import type { Repository } from "../../api/types";
import { CommandBox } from "../../components/CommandBox";
import { Markdown } from "../../components/Markdown";
import { Notice } from "../../components/Notice";
import { RepositoryFacts } from "../../components/RepositoryFacts";
import { useTexts } from "../../i18n/language";
import { Link } from "../../lib/navigation";
import { to } from "../../routes";
import { HowToPush } from "../../components/HowToPush";
import { RepositoryFrame } from "./RepositoryFrame";

export function RepositoryPage({ params }: PageProps) {
  return (
    <RepositoryFrame account={params.account ?? ""} name={params.name ?? ""}>
      {(repository) => <Overview repository={repository} />}
    </RepositoryFrame>
  );
}

function Overview({ repository }: { repository: Repository }) {
  const { t } = useTexts();
  const mayPush = repository.role === "owner" || repository.role === "writer";
  return (
    <div className="repository">
      <aside className="repository-side" aria-label={t("repo.about")}>
        {repository.tagCount > 0 && (
          <CommandBox command={repository.pullCommand} label={t("repo.pull")} />
        )}
        <RepositoryFacts repository={repository} />
      </aside>
      <section className="repository-main" aria-label={t("repo.overview")}>
        {repository.tagCount === 0 && mayPush && <HowToPush repository={repository} />}
        {repository.overviewHtml ? (
          <Markdown html={repository.overviewHtml} />
        ) : (
          <NoOverview repository={repository} />
        )}
      </section>
    </div>
  );
}

function NoOverview({ repository }: { repository: Repository }) {
  const { t } = useTexts();
  if (repository.role !== "owner") {
    return <Notice title={t("repo.noOverview")} text={t("repo.noOverview.hint")} />;
  }
  return (
    <Notice title={t("repo.noOverview")} text={t("repo.noOverview.own")}>
      <Link className="button quiet" to={`${to.repository(repository.name)}/settings/overview`}>
        {t("repo.writeOverview")}
      </Link>
    </Notice>
  );
}
