import { useTexts } from "../i18n/language";
import { SORTS, type Sort } from "../lib/explore";
import { navigate, useAddress } from "../lib/navigation";
import { withParams } from "../lib/router";

export function SortChoice({ value }: { value: Sort }) {
  const { t } = useTexts();
  const { path, search } = useAddress();
  return (
    <label className="sort">
      <span>{t("explore.sort")}</span>
      <select
        value={value}
        onChange={(event) => navigate(withParams(path, search, { sort: event.target.value, page: null }))}
      >
        {SORTS.map((sort) => (
          <option key={sort} value={sort}>
            {t(`sort.${sort}`)}
          </option>
        ))}
      </select>
    </label>
  );
}
