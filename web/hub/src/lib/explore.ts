/** What Explore's address asks for. Pure: `explore.test.ts`. */
export const PAGE_SIZE = 24;
export const SORTS = ["best", "pulls", "updated", "name"] as const;
export type Sort = (typeof SORTS)[number];
export const LISTS = ["category", "architecture", "os"] as const;
export type List = (typeof LISTS)[number];

export interface Asked {
  [key: string]: string | number | boolean;
  q: string;
  product: string;
  category: string;
  architecture: string;
  os: string;
  official: boolean;
  verified: boolean;
  sort: Sort;
  page: number;
}

export function askedFor(params: URLSearchParams): Asked {
  const text = (name: string) => params.get(name) ?? "";
  const q = text("q").slice(0, 200);
  const sort = SORTS.find((each) => each === params.get("sort"));
  return {
    q,
    product: text("product"),
    category: text("category"),
    architecture: text("architecture"),
    os: text("os"),
    official: params.get("official") === "true",
    verified: params.get("verified") === "true",
    sort: sort ?? (q ? "best" : "pulls"),
    page: Math.max(1, Number.parseInt(text("page"), 10) || 1),
  };
}

/** Whether Explore was just opened: what is popular is shown. */
export function isFrontPage(params: URLSearchParams): boolean {
  return [...params.values()].every((value) => value === "");
}

export function hasFilters(params: URLSearchParams): boolean {
  return [...LISTS, "official", "verified", "product"].some((name) => params.get(name));
}

/** A list of values with one put in or taken out. */
export function toggled(list: string, value: string): string {
  const values = list.split(",").filter(Boolean);
  const others = values.filter((each) => each !== value);
  return (others.length < values.length ? others : [...values, value]).join(",");
}
