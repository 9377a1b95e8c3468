/** What the address of a list of tags asks for. Pure. */
export const TAG_PAGE_SIZE = 25;
export const TAG_SORTS = ["pushed", "name", "size", "pulled"] as const;
export type TagSort = (typeof TAG_SORTS)[number];

export interface TagsAsked {
  [key: string]: string | number;
  q: string;
  sort: TagSort;
  page: number;
}

export function tagsAsked(params: URLSearchParams): TagsAsked {
  return {
    q: (params.get("q") ?? "").slice(0, 128),
    sort: TAG_SORTS.find((each) => each === params.get("sort")) ?? "pushed",
    page: Math.max(1, Number.parseInt(params.get("page") ?? "1", 10) || 1),
  };
}
