import { useEffect, useSyncExternalStore, type AnchorHTMLAttributes, type MouseEvent } from "react";

const CHANGED = "hub:navigated";

/** Go to an address of this site. */
export function navigate(to: string, options: { replace?: boolean } = {}): void {
  const isOtherPage = new URL(to, location.href).pathname !== location.pathname;
  if (options.replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  window.dispatchEvent(new Event(CHANGED));
  if (isOtherPage) window.scrollTo(0, 0);
}

function listen(told: () => void): () => void {
  window.addEventListener("popstate", told);
  window.addEventListener(CHANGED, told);
  return () => {
    window.removeEventListener("popstate", told);
    window.removeEventListener(CHANGED, told);
  };
}

/** The address shown, as `path?search`. */
export function useAddress(): { path: string; search: string } {
  const href = useSyncExternalStore(listen, () => location.pathname + location.search);
  const at = href.indexOf("?");
  return at < 0 ? { path: href, search: "" } : { path: href.slice(0, at), search: href.slice(at) };
}

export function useSearchParams(): URLSearchParams {
  return new URLSearchParams(useAddress().search);
}

type LinkProps = AnchorHTMLAttributes<HTMLAnchorElement> & { to: string };

/** A link within the site; modified clicks are the browser's. */
export function Link({ to, onClick, ...rest }: LinkProps) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    const isModified = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
    if (event.defaultPrevented || event.button !== 0 || isModified) return;
    event.preventDefault();
    navigate(to);
  };
  return <a href={to} onClick={follow} {...rest} />;
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title;
  }, [title]);
}
