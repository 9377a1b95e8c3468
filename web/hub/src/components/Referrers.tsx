import type { Referrer } from "../api/types";
import { useTexts } from "../i18n/language";
import { bytes, shortDigest } from "../lib/format";
import { Age } from "./Age";

export function Referrers({ referrers }: { referrers: readonly Referrer[] }) {
  const { t } = useTexts();
  if (referrers.length === 0) return null;
  return (
    <section aria-labelledby="referrers">
      <h3 id="referrers">{t("tag.referrers")}</h3>
      <ul className="rows">
        {referrers.map((each) => (
          <li key={each.digest}>
            <strong>{t(`kind.${each.kind}`)}</strong>
            <code title={each.digest}>{shortDigest(each.digest)}</code>
            <span>{each.artifactType}</span>
            <span>{bytes(each.sizeBytes)}</span>
            <Age time={each.pushedAt} />
          </li>
        ))}
      </ul>
    </section>
  );
}
