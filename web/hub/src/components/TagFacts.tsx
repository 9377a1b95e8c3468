import type { TagImageDetails } from "../api/types";
import { useTexts } from "../i18n/language";
import { bytes } from "../lib/format";

interface TagFactsProps {
  image: TagImageDetails;
  /** Whether the tag names this image itself, not an index of several. */
  isOnly: boolean;
}

/** One platform of a tag in numbers. */
export function TagFacts({ image, isOnly }: TagFactsProps) {
  const { t } = useTexts();
  const layers = image.layers.filter((layer) => layer.digest).length;
  return (
    <dl className="facts tag-facts">
      <dt>{t("tags.platform")}</dt>
      <dd>{image.platform || image.artifactType || image.mediaType}</dd>
      <dt>{t("tags.size")}</dt>
      <dd title={t("tags.size.text")}>{bytes(image.sizeBytes)}</dd>
      {(image.unpackedBytes !== null || image.isMeasuring) && (
        <>
          <dt>{t("tag.unpacked")}</dt>
          <dd>{image.unpackedBytes === null ? t("tag.measuring") : bytes(image.unpackedBytes)}</dd>
        </>
      )}
      <dt>{t("tag.layers")}</dt>
      <dd>{layers}</dd>
      {!isOnly && (
        <>
          <dt>{t("tags.digest")}</dt>
          <dd>
            <code className="digest">{image.digest}</code>
          </dd>
        </>
      )}
    </dl>
  );
}
