import { useState } from "react";
import type { PageProps } from "../../App";
import { path, query } from "../../api/client";
import { useData } from "../../api/hooks";
import type { Repository, TagPage } from "../../api/types";
import { DeleteTags } from "../../components/DeleteTags";
import { HowToPush } from "../../components/HowToPush";
import { Loader } from "../../components/Loader";
import { Notice } from "../../components/Notice";
import { Pagination } from "../../components/Pagination";
import { TagFilter } from "../../components/TagFilter";
import { TagRow } from "../../components/TagRow";
import { useTexts } from "../../i18n/language";
import { useSearchParams } from "../../lib/navigation";
import { TAG_PAGE_SIZE, tagsAsked } from "../../lib/tags";
import { RepositoryFrame } from "./RepositoryFrame";

export default function TagsPage({ params }: PageProps) {
  return (
    <RepositoryFrame account={params.account ?? ""} name={params.name ?? ""}>
      {(repository, reload) => (
        <Tags repository={repository} short={params.name ?? ""} onChange={reload} />
      )}
    </RepositoryFrame>
  );
}

interface TagsProps {
  repository: Repository;
  short: string;
  onChange: () => void;
}

function Tags({ repository, short, onChange }: TagsProps) {
  const { t } = useTexts();
  const asked = tagsAsked(useSearchParams());
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const base = path`/repositories/${repository.account}/${short}/tags`;
  const loaded = useData<TagPage>(base + query({ ...asked, pageSize: TAG_PAGE_SIZE }));
  const mayDelete = repository.role === "owner";
  if (repository.tagCount === 0) {
    if (mayDelete || repository.role === "writer") return <HowToPush repository={repository} />;
    return <Notice title={t("repo.empty")} text={t("repo.empty.reader")} />;
  }
  const toggle = (tag: string) => {
    const others = new Set(selected);
    if (!others.delete(tag)) others.add(tag);
    setSelected(others);
  };
  const afterDelete = () => {
    setSelected(new Set());
    loaded.reload();
    onChange();
  };
  return (
    <section aria-label={t("tags.list")}>
      <TagFilter asked={asked} />
      {mayDelete && <DeleteTags base={base} tags={[...selected]} onDone={afterDelete} />}
      <Loader of={loaded}>
        {(found) => (
          <>
            {found.results.length === 0 && <Notice title={t("tags.none")} />}
            <ul className="tag-list">
              {found.results.map((tag) => (
                <TagRow
                  key={tag.name}
                  tag={tag}
                  repository={repository.name}
                  isSelected={selected.has(tag.name)}
                  onSelect={mayDelete ? () => toggle(tag.name) : null}
                />
              ))}
            </ul>
            <Pagination count={found.count} page={asked.page} pageSize={TAG_PAGE_SIZE} />
          </>
        )}
      </Loader>
    </section>
  );
}
