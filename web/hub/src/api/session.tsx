import { createContext, use, useEffect, type ReactNode } from "react";
import { setCsrfToken } from "./client";
import { useData } from "./hooks";
import type { Session } from "./types";

interface Known {
  session: Session | null;
  isLoading: boolean;
  reload: () => void;
}

const Context = createContext<Known>({ session: null, isLoading: true, reload: () => undefined });

/** Who is signed in, for everything below. */
export function SessionProvider({ children }: { children: ReactNode }) {
  const { data, isLoading, reload } = useData<Session>("/session");
  setCsrfToken(data?.csrfToken ?? "");
  useEffect(() => {
    window.addEventListener("focus", reload);
    return () => window.removeEventListener("focus", reload);
  }, [reload]);
  return <Context value={{ session: data, isLoading, reload }}>{children}</Context>;
}

export function useSession(): Known {
  return use(Context);
}
