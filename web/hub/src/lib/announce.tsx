import { createContext, use, useCallback, useState, type ReactNode } from "react";

const Context = createContext<(text: string) => void>(() => undefined);

/** One live region for the whole page: what changed without a change of page is told there. */
export function AnnouncerProvider({ children }: { children: ReactNode }) {
  const [told, setTold] = useState({ text: "", number: 0 });
  const announce = useCallback(
    (text: string) => setTold((before) => ({ text, number: before.number + 1 })),
    [],
  );
  return (
    <Context value={announce}>
      {children}
      <div className="visually-hidden" role="status" aria-live="polite">
        <span key={told.number}>{told.text}</span>
      </div>
    </Context>
  );
}

export function useAnnounce(): (text: string) => void {
  return use(Context);
}
