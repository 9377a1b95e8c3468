/** One of eight colours for a name, always the same. */
export function hue(name: string): number {
  let total = 0;
  for (const letter of name) total = (total * 31 + (letter.codePointAt(0) ?? 0)) % 9973;
  return total % 8;
}
