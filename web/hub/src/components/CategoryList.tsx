import type { Category } from "../api/types";
import { Link } from "../lib/navigation";
import { to } from "../routes";

/** The categories that have something, with how much. */
export function CategoryList({ categories }: { categories: readonly Category[] }) {
  return (
    <ul className="chips">
      {categories
        .filter((category) => category.count > 0)
        .map((category) => (
          <li key={category.slug}>
            <Link className="chip" to={to.category(category.slug)}>
              {category.name}
              <span className="chip-count">{category.count}</span>
            </Link>
          </li>
        ))}
    </ul>
  );
}
