import type { PageProps } from "../../App";
import { path } from "../../api/client";
import type { Repository } from "../../api/types";
import { NotFound } from "../../components/NotFound";
import { SettingsNav } from "../../components/SettingsNav";
import { AccessSection } from "../../components/settings/AccessSection";
import { DangerSection } from "../../components/settings/DangerSection";
import { GeneralSection } from "../../components/settings/GeneralSection";
import { OverviewSection } from "../../components/settings/OverviewSection";
import { TagsSection } from "../../components/settings/TagsSection";
import { WebhooksSection } from "../../components/settings/WebhooksSection";
import { to } from "../../routes";
import { RepositoryFrame } from "./RepositoryFrame";

export interface SectionProps {
  repository: Repository;
  /** Its path in the API. */
  base: string;
  reload: () => void;
}

const SECTIONS = {
  general: GeneralSection,
  overview: OverviewSection,
  tags: TagsSection,
  webhooks: WebhooksSection,
  access: AccessSection,
  danger: DangerSection,
};
const ORDER = ["general", "overview", "tags", "webhooks", "access", "danger"] as const;

export default function SettingsPage({ params }: PageProps) {
  const { account = "", name = "", section = "general" } = params;
  const found = ORDER.find((each) => each === section);
  const Section = found && SECTIONS[found];
  return (
    <RepositoryFrame account={account} name={name}>
      {(repository, reload) =>
        !Section || repository.role !== "owner" || !repository.editing ? (
          <NotFound />
        ) : (
          <div className="settings">
            <SettingsNav home={`${to.repository(repository.name)}/settings`} sections={ORDER} />
            <div className="settings-body">
              <Section
                repository={repository}
                base={path`/repositories/${account}/${name}`}
                reload={reload}
              />
            </div>
          </div>
        )
      }
    </RepositoryFrame>
  );
}
