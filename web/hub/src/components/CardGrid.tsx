import type { Card } from "../api/types";
import { RepositoryCard } from "./RepositoryCard";

export function CardGrid({ cards }: { cards: readonly Card[] }) {
  return (
    <ul className="cards">
      {cards.map((card) => (
        <li key={card.name}>
          <RepositoryCard card={card} />
        </li>
      ))}
    </ul>
  );
}
