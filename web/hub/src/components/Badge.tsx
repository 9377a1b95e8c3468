import { useEffect, useId, useState, type KeyboardEvent } from "react";
import type { Card } from "../api/types";
import { useTexts } from "../i18n/language";
import { Icon } from "./Icon";

/** A badge that explains itself: on hover, on focus, and kept open by a click. */
export function Badge({ badge }: { badge: Card["badge"] }) {
  const { t } = useTexts();
  const [isOpen, setOpen] = useState(false);
  const [isKept, setKept] = useState(false);
  const id = useId();
  useEffect(() => {
    if (!isKept) return;
    const leave = () => setKept(false);
    document.addEventListener("click", leave);
    return () => document.removeEventListener("click", leave);
  }, [isKept]);
  if (!badge) return null;
  const isShown = isOpen || isKept;
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    setOpen(false);
    setKept(false);
  };
  return (
    <span
      className="badge-whole"
      onMouseEnter={() => setOpen(true)}
      onMouseLeave={() => setOpen(false)}
      onKeyDown={onKey}
    >
      <button
        type="button"
        className={`badge badge-${badge}`}
        aria-expanded={isShown}
        aria-describedby={id}
        onFocus={() => setOpen(true)}
        onBlur={() => {
          setOpen(false);
          setKept(false);
        }}
        onClick={(event) => {
          event.stopPropagation();
          setKept(!isKept);
        }}
      >
        <Icon name="shield" />
        {t(`badge.${badge}`)}
      </button>
      <span id={id} role="tooltip" className={isShown ? "tip tip-shown" : "tip"}>
        {t(`badge.${badge}.text`)}
      </span>
    </span>
  );
}
