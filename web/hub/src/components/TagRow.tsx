import type { Tag } from "../api/types";
import { useTexts } from "../i18n/language";
import { age, bytes, shortDigest } from "../lib/format";
import { Link } from "../lib/navigation";
import { to } from "../routes";
import { Age } from "./Age";
import { CopyButton } from "./CopyButton";
import { Icon } from "./Icon";

interface TagRowProps {
  tag: Tag;
  repository: string;
  isSelected: boolean;
  onSelect: (() => void) | null;
}

export function TagRow({ tag, repository, isSelected, onSelect }: TagRowProps) {
  const { language, t } = useTexts();
  return (
    <li className="tag">
      <div className="tag-head">
        {onSelect && (
          <input
            type="checkbox"
            aria-label={t("tags.select", { tag: tag.name })}
            checked={isSelected}
            onChange={onSelect}
          />
        )}
        <h2>
          <Icon name="tag" />
          <Link to={to.tag(repository, tag.name)}>{tag.name}</Link>
        </h2>
        {tag.isImmutable && (
          <span className="pill" title={t("tags.immutable.text")}>
            <Icon name="lock" />
            {t("tags.immutable")}
          </span>
        )}
        <p className="tag-times">
          <Age time={tag.pushedAt} /> {tag.pushedBy && `· ${tag.pushedBy}`}
          {tag.pulledAt && ` · ${t("tags.pulled", { age: age(tag.pulledAt, language) })}`}
        </p>
        <div className="command-line tag-command">
          <code>{tag.pullCommand}</code>
          <CopyButton text={tag.pullCommand} isSmall />
        </div>
      </div>
      <div className="table-frame">
        <table>
          <thead>
            <tr>
              <th scope="col">{t("tags.digest")}</th>
              <th scope="col">{t("tags.platform")}</th>
              <th scope="col" className="number" title={t("tags.size.text")}>
                {t("tags.size")}
              </th>
            </tr>
          </thead>
          <tbody>
            {tag.images.map((image) => (
              <tr key={image.digest}>
                <td>
                  <code title={image.digest}>{shortDigest(image.digest)}</code>
                </td>
                <td>{image.platform || "—"}</td>
                <td className="number">{bytes(image.sizeBytes)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </li>
  );
}
