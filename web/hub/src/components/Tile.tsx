import { hue } from "../lib/hue";

/** A coloured tile with the first letter of a name, where others have pictures. */
export function Tile({ name, size = "medium" }: { name: string; size?: "small" | "medium" | "large" }) {
  const letter = [...(name.split("/").at(-1) ?? "")][0] ?? "·";
  return (
    <span className={`tile tile-${size} hue-${hue(name)}`} aria-hidden="true">
      {letter.toUpperCase()}
    </span>
  );
}
