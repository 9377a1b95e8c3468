import { useState } from "react";
import { path } from "../api/client";
import { useAction, useRequest } from "../api/hooks";
import { useSession } from "../api/session";
import type { Repository, Stars } from "../api/types";
import { useTexts } from "../i18n/language";
import { count } from "../lib/format";
import { navigate } from "../lib/navigation";
import { to } from "../routes";
import { Icon } from "./Icon";

export function StarButton({ repository }: { repository: Repository }) {
  const { language, t } = useTexts();
  const { session } = useSession();
  const send = useRequest();
  const [now, setNow] = useState<Stars>({
    stars: repository.stars,
    isStarred: repository.isStarred,
  });
  const { account, name } = repository;
  const star = useAction(async () => {
    const short = name.slice(account.length + 1);
    setNow(await send<Stars>(now.isStarred ? "DELETE" : "PUT", path`/repositories/${account}/${short}/star`));
  });
  const press = () => {
    if (session?.user) void star.run();
    else navigate(to.signIn(to.repository(name)));
  };
  return (
    <button className="button quiet star" aria-pressed={now.isStarred} disabled={star.isBusy} onClick={press}>
      <Icon name="star" />
      {t(now.isStarred ? "repo.unstar" : "repo.star")}
      <span className="chip-count">{count(now.stars, language)}</span>
    </button>
  );
}
