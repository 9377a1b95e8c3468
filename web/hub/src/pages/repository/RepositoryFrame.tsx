import type { ReactNode } from "react";
import { path } from "../../api/client";
import { useData } from "../../api/hooks";
import type { Repository } from "../../api/types";
import { Badge } from "../../components/Badge";
import { Icon } from "../../components/Icon";
import { Loader } from "../../components/Loader";
import { StarButton } from "../../components/StarButton";
import { Tabs } from "../../components/Tabs";
import { Tile } from "../../components/Tile";
import { useTexts } from "../../i18n/language";
import { Link, useTitle } from "../../lib/navigation";
import { to } from "../../routes";

interface FrameProps {
  account: string;
  name: string;
  children: (repository: Repository, reload: () => void) => ReactNode;
}

/** What all pages of a repository have above them. */
export function RepositoryFrame({ account, name, children }: FrameProps) {
  const loaded = useData<Repository>(path`/repositories/${account}/${name}`);
  useTitle(loaded.data?.title ?? name);
  return (
    <div className="page">
      <Loader of={loaded}>
        {(repository) => (
          <>
            <RepositoryHead repository={repository} />
            {children(repository, loaded.reload)}
          </>
        )}
      </Loader>
    </div>
  );
}

function RepositoryHead({ repository }: { repository: Repository }) {
  const { t } = useTexts();
  const home = to.repository(repository.name);
  const tabs: [string, string][] = [
    [home, t("repo.overview")],
    [`${home}/tags`, `${t("repo.tags")} ${repository.tagCount}`],
  ];
  if (repository.role === "owner") tabs.push([`${home}/settings`, t("repo.settings")]);
  return (
    <header className="repository-head">
      <div className="repository-title">
        <Tile name={repository.name} size="large" />
        <div>
          <h1>{repository.badge === "official" ? repository.title : repository.name}</h1>
          <p className="repository-marks">
            <Badge badge={repository.badge} />
            {repository.isPrivate && (
              <span className="pill">
                <Icon name="lock" />
                {t("private")}
              </span>
            )}
            {repository.badge !== "official" && (
              <Link to={to.account(repository.account)}>
                {t("card.by", { publisher: repository.publisher || repository.account })}
              </Link>
            )}
          </p>
          <p className="repository-summary">{repository.summary}</p>
        </div>
        <StarButton repository={repository} />
      </div>
      <Tabs label={t("repo.sections")} tabs={tabs} />
    </header>
  );
}
