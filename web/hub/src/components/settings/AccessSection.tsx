import { path } from "../../api/client";
import { useAction, useData, useRequest } from "../../api/hooks";
import type { Grants } from "../../api/types";
import { useTexts } from "../../i18n/language";
import type { SectionProps } from "../../pages/repository/SettingsPage";
import { Loader } from "../Loader";
import { Problem } from "../Problem";
import { NewGrant } from "./NewGrant";

export function AccessSection({ repository, base }: SectionProps) {
  const { t } = useTexts();
  const send = useRequest();
  const loaded = useData<Grants>(`${base}/grants`);
  const remove = useAction(async (subject: string) => {
    await send<Grants>("DELETE", `${base}/grants${path`/${subject}`}`);
    loaded.reload();
  });
  return (
    <>
      <p className="quiet-text">{t("access.text")}</p>
      <Problem error={remove.error} />
      <Loader of={loaded}>
        {({ results }) =>
          results.length === 0 ? (
            <p>{t("access.none")}</p>
          ) : (
            <ul className="rows">
              {results.map((grant) => (
                <li key={grant.subject}>
                  <span className="row-main">
                    <strong>{grant.name}</strong>
                    <small>{t(grant.kind === "team" ? "access.team" : "access.user")}</small>
                  </span>
                  <span>{t(`role.${grant.role}`)}</span>
                  <button className="button quiet small" onClick={() => remove.run(grant.subject)}>
                    {t("remove")}
                  </button>
                </li>
              ))}
            </ul>
          )
        }
      </Loader>
      <NewGrant base={base} hasTeams={repository.publisherKind === "organization"} onMade={loaded.reload} />
    </>
  );
}
