import { useEffect, useRef } from "react";
import { Link, useAddress } from "../lib/navigation";

interface TabsProps {
  label: string;
  tabs: ReadonlyArray<readonly [to: string, text: string]>;
}

/** Links between the pages of one thing; a page below a tab's address belongs to that tab, unless
 * another tab is nearer (the first tab is the address of the thing itself). */
export function Tabs({ label, tabs }: TabsProps) {
  const { path } = useAddress();
  const [[first] = [""], ...others] = tabs;
  const current = others.find(([place]) => path === place || path.startsWith(`${place}/`))?.[0] ?? first;
  const list = useRef<HTMLElement>(null);
  useEffect(() => {
    // On a phone they may reach beyond the screen: the one that is shown is brought into sight. Not
    // by scrollIntoView, which lets Tab go on from here.
    const shown = list.current?.querySelector<HTMLElement>("[aria-current]");
    if (list.current && shown) list.current.scrollLeft = shown.offsetLeft - list.current.offsetLeft;
  }, [current]);
  return (
    <nav ref={list} className="tabs" aria-label={label}>
      {tabs.map(([place, text]) => (
        <Link key={place} to={place} aria-current={place === current ? "page" : undefined}>
          {text}
        </Link>
      ))}
    </nav>
  );
}
