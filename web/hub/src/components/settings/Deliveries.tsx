import { useData } from "../../api/hooks";
import type { Deliveries as Found } from "../../api/types";
import { useTexts } from "../../i18n/language";
import { Age } from "../Age";
import { Loader } from "../Loader";

export function Deliveries({ path }: { path: string }) {
  const { t } = useTexts();
  const loaded = useData<Found>(path);
  return (
    <div className="row-main">
      <Loader of={loaded}>
        {({ results }) =>
          results.length === 0 ? (
            <p>{t("webhooks.noDeliveries")}</p>
          ) : (
            <div className="table-frame">
              <table>
                <tbody>
                  {results.map((delivery) => (
                    <tr key={delivery.id}>
                      <td>
                        <Age time={delivery.createdAt} />
                      </td>
                      <td>{delivery.event}</td>
                      <td>{delivery.status ?? (delivery.error || t("webhooks.waiting"))}</td>
                      <td>{t("webhooks.attempts", { count: delivery.attempts })}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Loader>
    </div>
  );
}
