import { useEffect, useId, useRef, useState, type FormEvent, type KeyboardEvent } from "react";
import { query } from "../api/client";
import { useData } from "../api/hooks";
import type { ExploreAnswer } from "../api/types";
import { useTexts } from "../i18n/language";
import { useDelayed } from "../lib/delayed";
import { navigate, useSearchParams } from "../lib/navigation";
import { to } from "../routes";
import { BadgeMark } from "./BadgeMark";
import { Icon } from "./Icon";
import { Tile } from "./Tile";

const SHOWN = 6;

/** Search with suggestions while one types: a combobox; `/` brings the cursor here. */
export function SearchBox() {
  const { t } = useTexts();
  const inAddress = useSearchParams().get("q") ?? "";
  const [text, setText] = useState(inAddress);
  const [isOpen, setOpen] = useState(false);
  const [chosen, setChosen] = useState(-1);
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  useEffect(() => setText(inAddress), [inAddress]);
  useSlash(input);

  const asked = useDelayed(text.trim(), 120);
  const wanted = isOpen && asked ? `/explore${query({ q: asked, pageSize: SHOWN })}` : null;
  const found = useData<ExploreAnswer>(wanted).data?.results ?? [];
  const isShown = isOpen && asked !== "" && found.length > 0;

  const search = (event?: FormEvent) => {
    event?.preventDefault();
    setOpen(false);
    const picked = found[chosen];
    if (isShown && picked) navigate(to.repository(picked.name));
    else navigate(`/explore${query({ q: text.trim() })}`);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Escape") setOpen(false);
    if (!isShown || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) return;
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : -1;
    setChosen((before) => (before + step + found.length + 2) % (found.length + 1) - 1);
  };
  return (
    <form className="search" role="search" onSubmit={search}>
      <Icon name="search" />
      <input
        ref={input}
        type="search"
        name="q"
        role="combobox"
        autoComplete="off"
        spellCheck={false}
        maxLength={200}
        aria-label={t("search.label")}
        aria-expanded={isShown}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={isShown && chosen >= 0 ? `${id}-${chosen}` : undefined}
        aria-keyshortcuts="/"
        placeholder={t("search.placeholder")}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setOpen(true);
          setChosen(-1);
        }}
        onFocus={() => setOpen(text !== inAddress)}
        onBlur={() => setOpen(false)}
        onKeyDown={onKey}
      />
      <kbd title={t("search.hint")} aria-hidden="true">
        /
      </kbd>
      <span className="visually-hidden" role="status">
        {isShown ? t("search.suggestions", { count: found.length }) : ""}
      </span>
      <ul
        id={`${id}-list`}
        role="listbox"
        aria-label={t("search.label")}
        className="suggestions"
        hidden={!isShown}
      >
        {found.map((card, at) => (
          <li
            key={card.name}
            id={`${id}-${at}`}
            role="option"
            aria-selected={at === chosen}
            onPointerDown={(event) => {
              event.preventDefault();
              setOpen(false);
              navigate(to.repository(card.name));
            }}
          >
            <Tile name={card.name} size="small" />
            <span className="suggestion-text">
              <strong>{card.title}</strong>
              <BadgeMark badge={card.badge} />
              <span>{card.summary}</span>
            </span>
          </li>
        ))}
      </ul>
    </form>
  );
}

function useSlash(input: { current: HTMLInputElement | null }): void {
  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent) => {
      const where = event.target as HTMLElement;
      const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(where.tagName) || where.isContentEditable;
      if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      input.current?.focus();
      input.current?.select();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [input]);
}
