/** Where to go after signing in: an address of this site, never another one's. */
export function placeToReturn(back: string | null): string {
  if (!back?.startsWith("/") || back.startsWith("//") || back.includes("\\")) return "/";
  return back.startsWith("/sign-") ? "/" : back;
}
