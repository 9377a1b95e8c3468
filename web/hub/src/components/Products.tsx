import type { FacetValue } from "../api/types";
import { useTexts } from "../i18n/language";
import { Link, useAddress } from "../lib/navigation";
import { isProduct, PRODUCTS } from "../lib/products";
import { withParams } from "../lib/router";
import { Icon } from "./Icon";

interface ProductsProps {
  facets: readonly FacetValue[];
  current: string;
}

/** What kinds of things there are; containers first. Kinds that nobody has published are left out. */
export function Products({ facets, current }: ProductsProps) {
  const { t } = useTexts();
  const { path, search } = useAddress();
  const counts = new Map(facets.map((facet) => [facet.value, facet.count]));
  const shown = PRODUCTS.filter((each) => each === "image" || each === current || counts.get(each));
  return (
    <nav aria-label={t("explore.products")} className="products">
      {shown.filter(isProduct).map((product) => (
        <Link
          key={product}
          className="product"
          to={withParams(path, search, { product: product === current ? null : product, page: null })}
          aria-current={product === current ? "true" : undefined}
        >
          <Icon name="box" />
          <span>
            <strong>{t(`product.${product}`)}</strong>
            <small>{t(`product.${product}.text`)}</small>
          </span>
          {counts.has(product) && <span className="chip-count">{counts.get(product)}</span>}
        </Link>
      ))}
    </nav>
  );
}
