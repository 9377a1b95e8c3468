import type { FormEvent, ReactNode } from "react";
import type { Action } from "../api/hooks";
import { useTexts } from "../i18n/language";
import { useAnnounce } from "../lib/announce";
import { Problem } from "./Problem";

interface FormProps {
  action: Action<[]>;
  button: string;
  className?: string;
  /** What is told when it has worked; nothing when the page changes anyway. */
  done?: string;
  children: ReactNode;
}

/** Fields and the button that sends them; why it did not work stands above the button. */
export function Form({ action, button, className = "", done, children }: FormProps) {
  const { t } = useTexts();
  const announce = useAnnounce();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if ((await action.run()) && done) announce(done);
  };
  return (
    <form className={`form ${className}`} onSubmit={submit}>
      {children}
      <Problem error={action.error} />
      <p className="actions">
        <button className="button" disabled={action.isBusy}>
          {action.isBusy ? t("loading") : button}
        </button>
      </p>
    </form>
  );
}
