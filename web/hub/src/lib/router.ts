/** Which page an address means. Pure: `router.test.ts`. */
export interface Match {
  page: string;
  params: Record<string, string>;
}

/** Pattern to page, first match wins; `:word` takes one segment. */
export type Routes = ReadonlyArray<readonly [pattern: string, page: string]>;

export function match(routes: Routes, path: string): Match | null {
  const given = segments(path);
  for (const [pattern, page] of routes) {
    const params = fits(segments(pattern), given);
    if (params) return { page, params };
  }
  return null;
}

function segments(path: string): string[] {
  return path.split("/").filter(Boolean);
}

function fits(pattern: string[], given: string[]): Record<string, string> | null {
  if (pattern.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [at, part] of pattern.entries()) {
    const value = decoded(given[at] ?? "");
    if (value === null) return null;
    if (part.startsWith(":")) params[part.slice(1)] = value;
    else if (part !== value) return null;
  }
  return params;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** An address with other search parameters; empty ones go. */
export function withParams(
  path: string,
  search: string,
  change: Record<string, string | number | boolean | null | undefined>,
): string {
  const params = new URLSearchParams(search);
  for (const [name, value] of Object.entries(change)) {
    if (value === null || value === undefined || value === "" || value === false) params.delete(name);
    else params.set(name, String(value));
  }
  const text = params.toString();
  return text ? `${path}?${text}` : path;
}
