import type { Language } from "../lib/format";
import type { Failure } from "./types";

/** What a request that failed tells. Status 0: there was no answer. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly hint: string | null = null,
    readonly code: string = "",
  ) {
    super(message);
  }
}

let csrfToken = "";

export function setCsrfToken(token: string): void {
  csrfToken = token;
}

interface Request {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  body?: unknown;
  language: Language;
  signal?: AbortSignal;
}

/** Ask `/api/v1` and take the answer's JSON. Throws: ApiError. */
export async function request<T>(path: string, given: Request): Promise<T> {
  const method = given.method ?? "GET";
  const headers: Record<string, string> = { "Accept-Language": given.language };
  if (given.body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-CSRF-Token"] = csrfToken;
  const body = given.body === undefined ? null : JSON.stringify(given.body);
  const init = { method, headers, body, signal: given.signal ?? null };
  const answer = await answered(`/api/v1${path}`, init, method === "GET" ? 2 : 0);
  if (answer.ok) return (answer.status === 204 ? {} : await answer.json()) as T;
  throw await refusal(answer);
}

/** The answer; what only reads is asked again when the network has just changed. */
async function answered(url: string, init: RequestInit, attempts: number): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    if (attempts === 0) throw new ApiError(0, "");
    await new Promise((resolve) => setTimeout(resolve, 300));
    return answered(url, init, attempts - 1);
  }
}

async function refusal(answer: Response): Promise<ApiError> {
  try {
    const told = (await answer.json()) as Failure;
    return new ApiError(answer.status, told.message, told.hint ?? null, told.code);
  } catch {
    return new ApiError(answer.status, `${answer.status} ${answer.statusText}`);
  }
}

/** A path of which every value is escaped: path`/repositories/${account}/${name}`. */
export function path(parts: TemplateStringsArray, ...values: (string | number)[]): string {
  return parts.reduce((whole, part, at) => {
    const value = values[at - 1];
    return whole + encodeURIComponent(String(value ?? "")) + part;
  });
}

/** Query parameters; empty ones are left out. */
export function query(values: Record<string, string | number | boolean | null | undefined>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== undefined && value !== "" && value !== false) params.set(name, String(value));
  }
  const text = params.toString();
  return text && `?${text}`;
}
