import { useEffect, useRef, useState } from "react";
import type { PageProps } from "../../App";
import { path } from "../../api/client";
import { useData, type Loaded } from "../../api/hooks";
import type { TagDetails } from "../../api/types";
import { Age } from "../../components/Age";
import { Choice } from "../../components/Choice";
import { CommandBox } from "../../components/CommandBox";
import { CopyButton } from "../../components/CopyButton";
import { Dockerfile } from "../../components/Dockerfile";
import { ImageSettings } from "../../components/ImageSettings";
import { Layers } from "../../components/Layers";
import { Loader } from "../../components/Loader";
import { Referrers } from "../../components/Referrers";
import { TagFacts } from "../../components/TagFacts";
import { useTexts } from "../../i18n/language";
import { Link } from "../../lib/navigation";
import { to } from "../../routes";
import { RepositoryFrame } from "./RepositoryFrame";

const ASKED_AGAIN_MS = 1500;
const MOST_QUESTIONS = 40;

export default function TagPage({ params }: PageProps) {
  const { account = "", name = "", tag = "" } = params;
  const loaded = useData<TagDetails>(path`/repositories/${account}/${name}/tags/${tag}`);
  useAskedAgain(loaded);
  return (
    <RepositoryFrame account={account} name={name}>
      {(repository) => (
        <Loader of={loaded}>
          {(details) => <Details details={details} repository={repository.name} />}
        </Loader>
      )}
    </RepositoryFrame>
  );
}

/** Ask again while the hub measures what the layers take unpacked. */
function useAskedAgain({ data, reload }: Loaded<TagDetails>) {
  const left = useRef(MOST_QUESTIONS);
  useEffect(() => {
    if (!data?.images.some((image) => image.isMeasuring) || left.current === 0) return;
    left.current -= 1;
    const timer = setTimeout(reload, ASKED_AGAIN_MS);
    return () => clearTimeout(timer);
  }, [data, reload]);
}

function Details({ details, repository }: { details: TagDetails; repository: string }) {
  const { t } = useTexts();
  const [digest, setDigest] = useState(details.images[0]?.digest ?? "");
  const image = details.images.find((each) => each.digest === digest) ?? details.images[0];
  const { tag } = details;
  return (
    <article className="tag-page">
      <p>
        <Link to={`${to.repository(repository)}/tags`}>← {t("tag.back")}</Link>
      </p>
      <div className="tag-page-head">
        <div>
          <h2>{tag.name}</h2>
          <p className="tag-times">
            <Age time={tag.pushedAt} within="tags.pushed.at" />
            {tag.pushedBy && ` · ${tag.pushedBy}`}
          </p>
          <p className="digest-line">
            <code className="digest">{tag.digest}</code>
            <CopyButton text={tag.digest} isSmall />
          </p>
        </div>
        <CommandBox command={tag.pullCommand} label={t("repo.pull")} />
      </div>
      {details.images.length > 1 && (
        <Choice
          label={t("tag.choosePlatform")}
          value={digest}
          options={details.images.map((each) => [each.digest, each.platform || each.mediaType])}
          onValue={setDigest}
        />
      )}
      {image && (
        <>
          <TagFacts image={image} isOnly={image.digest === tag.digest} />
          <Layers layers={image.layers} />
          {image.dockerfile && <Dockerfile text={image.dockerfile} />}
          {image.settings && <ImageSettings settings={image.settings} />}
        </>
      )}
      <Referrers referrers={[...details.referrers, ...(image?.referrers ?? [])]} />
    </article>
  );
}
