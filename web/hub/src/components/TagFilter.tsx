import { useEffect, useState } from "react";
import { useTexts } from "../i18n/language";
import { useDelayed } from "../lib/delayed";
import { navigate, useAddress } from "../lib/navigation";
import { withParams } from "../lib/router";
import { TAG_SORTS, type TagsAsked } from "../lib/tags";

export function TagFilter({ asked }: { asked: TagsAsked }) {
  const { t } = useTexts();
  const { path, search } = useAddress();
  const [text, setText] = useState(asked.q);
  const settled = useDelayed(text, 200);
  useEffect(() => {
    if (settled !== asked.q) {
      navigate(withParams(path, search, { q: settled, page: null }), { replace: true });
    }
  }, [settled]); // when typing rests, not when the address changes
  return (
    <div className="tag-filter">
      <input
        type="search"
        aria-label={t("tags.filter")}
        placeholder={t("tags.filter")}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <label className="sort">
        <span>{t("tags.sort")}</span>
        <select
          value={asked.sort}
          onChange={(event) =>
            navigate(withParams(path, search, { sort: event.target.value, page: null }))
          }
        >
          {TAG_SORTS.map((sort) => (
            <option key={sort} value={sort}>
              {t(`tags.sort.${sort}`)}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}
