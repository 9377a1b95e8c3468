/** What a repository may hold; the hub's names. */
export const PRODUCTS = ["image", "extension", "kit", "helm", "compose", "model", "plugin"] as const;
export type Product = (typeof PRODUCTS)[number];

export function isProduct(value: string): value is Product {
  return PRODUCTS.some((each) => each === value);
}
