import type { Card } from "../api/types";
import { useTexts } from "../i18n/language";
import { age, count } from "../lib/format";
import { Link } from "../lib/navigation";
import { to } from "../routes";
import { Badge } from "./Badge";
import { Icon } from "./Icon";
import { Tile } from "./Tile";

export function RepositoryCard({ card }: { card: Card }) {
  const { language, t } = useTexts();
  const isOwnName = card.badge === "official";
  return (
    <article className="card">
      <Tile name={card.name} />
      <div className="card-body">
        <h3>
          <Link className="card-link" to={to.repository(card.name)}>
            {card.title}
          </Link>
          {card.isPrivate && (
            <span className="pill">
              <Icon name="lock" />
              {t("private")}
            </span>
          )}
        </h3>
        {card.badge && <Badge badge={card.badge} />}
        {!isOwnName && <p className="card-by">{t("card.by", { publisher: card.publisher })}</p>}
        <p className="card-summary">{card.summary}</p>
        <p className="card-facts">
          <span title={t("card.pulls", { count: card.pulls })}>
            <Icon name="pull" />
            <span className="visually-hidden">{t("repo.pulls")}</span>
            {count(card.pulls, language)}
          </span>
          <span title={t("card.stars", { count: card.stars })}>
            <Icon name="star" />
            <span className="visually-hidden">{t("repo.stars")}</span>
            {count(card.stars, language)}
          </span>
          <span>
            <Icon name="clock" />
            {t("card.updated", { age: age(card.pushedAt ?? card.updatedAt, language) })}
          </span>
        </p>
      </div>
    </article>
  );
}
