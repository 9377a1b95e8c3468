import { useTexts } from "../i18n/language";
import { Link, useAddress } from "../lib/navigation";
import { withParams } from "../lib/router";

interface PaginationProps {
  count: number;
  page: number;
  pageSize: number;
}

/** Links to the pages before and after, by the parameter `page`. */
export function Pagination({ count, page, pageSize }: PaginationProps) {
  const { t } = useTexts();
  const { path, search } = useAddress();
  const pages = Math.max(1, Math.ceil(count / pageSize));
  if (pages === 1) return null;
  const link = (other: number) => withParams(path, search, { page: other === 1 ? null : other });
  return (
    <nav className="pagination" aria-label={t("pages")}>
      {page > 1 && (
        <Link className="button quiet" rel="prev" to={link(page - 1)}>
          {t("previous")}
        </Link>
      )}
      <span>{t("page.of", { page, pages })}</span>
      {page < pages && (
        <Link className="button quiet" rel="next" to={link(page + 1)}>
          {t("next")}
        </Link>
      )}
    </nav>
  );
}
