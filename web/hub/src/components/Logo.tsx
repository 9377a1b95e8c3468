/** A bollard above the water. */
export function Logo() {
  return (
    <svg className="logo" viewBox="0 0 32 32" aria-hidden="true">
      <rect className="logo-ground" width="32" height="32" rx="8" />
      <path className="logo-bollard" d="M9 8h14a2 2 0 0 1 0 4h-3v6h-8v-6H9a2 2 0 0 1 0-4Z" />
      <path className="logo-wave" d="M5 23c2.800-2.600 5.200-2.600 8 0s5.200 2.600 8 0 4.200-2.400 6-1.200" />
    </svg>
  );
}
