import { useCallback, useEffect, useState } from "react";
import { useTexts } from "../i18n/language";
import { ApiError, request } from "./client";

export interface Loaded<T> {
  data: T | null;
  error: ApiError | null;
  isLoading: boolean;
  reload: () => void;
}

/** What a path of the API holds, asked anew when it or the language changes; null asks nothing.
 * While a new answer is on its way the old one of the same `keep` group stays. */
export function useData<T>(path: string | null): Loaded<T> {
  const { language } = useTexts();
  const [round, setRound] = useState(0);
  const [state, setState] = useState<{ data: T | null; error: ApiError | null; of: string }>({
    data: null,
    error: null,
    of: "",
  });
  const wanted = `${path}|${language}|${round}`;
  useEffect(() => {
    if (path === null) return;
    const stop = new AbortController();
    request<T>(path, { language, signal: stop.signal })
      .then((data) => setState({ data, error: null, of: wanted }))
      .catch((error: unknown) => {
        if (error instanceof ApiError) setState({ data: null, error, of: wanted });
        else if (!stop.signal.aborted) throw error;
      });
    return () => stop.abort();
  }, [path, language, wanted]);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  const isOfPath = state.of.split("|")[0]?.split("?")[0] === path?.split("?")[0];
  return {
    data: isOfPath ? state.data : null,
    error: isOfPath ? state.error : null,
    isLoading: path !== null && state.of !== wanted,
    reload,
  };
}

export interface Action<A extends unknown[]> {
  run: (...values: A) => Promise<boolean>;
  isBusy: boolean;
  error: ApiError | null;
  clear: () => void;
}

/** Something that a button does; true when it worked, else its error is kept for showing. */
export function useAction<A extends unknown[]>(work: (...values: A) => Promise<void>): Action<A> {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const run = async (...values: A) => {
    setBusy(true);
    setError(null);
    try {
      await work(...values);
      return true;
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure;
      setError(failure);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { run, isBusy, error, clear: () => setError(null) };
}

/** The request function in the reader's language. */
export function useRequest() {
  const { language } = useTexts();
  return useCallback(
    <T>(method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: unknown) =>
      request<T>(path, { method, body, language }),
    [language],
  );
}
