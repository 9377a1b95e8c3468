import { useState } from "react";
import type { Category, Facets } from "../api/types";
import { useTexts } from "../i18n/language";
import { hasFilters, toggled, type List } from "../lib/explore";
import { Link, navigate, useAddress, useSearchParams } from "../lib/navigation";
import { withParams } from "../lib/router";
import { FilterGroup, type FilterValue } from "./FilterGroup";

interface FiltersProps {
  facets: Facets | null;
  categories: readonly Category[];
}

export function Filters({ facets, categories }: FiltersProps) {
  const { t } = useTexts();
  const { path, search } = useAddress();
  const params = useSearchParams();
  const [isOpen, setOpen] = useState(false);
  const go = (change: Record<string, string | boolean | null>) =>
    navigate(withParams(path, search, { ...change, page: null }));
  const names = new Map(categories.map((category) => [category.slug, category.name]));
  const values = (list: List): FilterValue[] => {
    const chosen = (params.get(list) ?? "").split(",").filter(Boolean);
    const counted = facets?.[list] ?? [];
    const missing = chosen.filter((value) => !counted.some((facet) => facet.value === value));
    return [...counted, ...missing.map((value) => ({ value, count: 0 }))].map((facet) => ({
      ...facet,
      text: names.get(facet.value) ?? facet.value,
      isChosen: chosen.includes(facet.value),
    }));
  };
  const trusted: FilterValue[] = (["official", "verified"] as const).map((value) => ({
    value,
    count: facets?.[value] ?? 0,
    text: t(`filter.${value}`),
    isChosen: params.get(value) === "true",
  }));
  const change = (list: List) => (value: string) =>
    go({ [list]: toggled(params.get(list) ?? "", value) });
  return (
    <aside className="filters" aria-label={t("explore.filters")}>
      <button
        className="button quiet filters-toggle"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        {t("explore.filters")}
      </button>
      <div className="filters-body" data-open={isOpen || undefined}>
        <FilterGroup
          title={t("filter.trusted")}
          values={trusted}
          onChange={(value) => go({ [value]: params.get(value) !== "true" })}
        />
        <FilterGroup title={t("filter.category")} values={values("category")} onChange={change("category")} />
        <FilterGroup
          title={t("filter.architecture")}
          values={values("architecture")}
          onChange={change("architecture")}
        />
        <FilterGroup title={t("filter.os")} values={values("os")} onChange={change("os")} />
        {hasFilters(params) && (
          <Link className="button quiet" to={withParams(path, "", { q: params.get("q") })}>
            {t("explore.clear")}
          </Link>
        )}
      </div>
    </aside>
  );
}
