import { useRequest } from "../api/hooks";
import { useSession } from "../api/session";
import type { User } from "../api/types";
import { useTexts } from "../i18n/language";
import type { TextKey } from "../i18n/texts";
import { Link, navigate } from "../lib/navigation";
import { Icon } from "./Icon";
import { Menu } from "./Menu";
import { Tile } from "./Tile";

const PLACES: ReadonlyArray<readonly [string, TextKey]> = [
  ["/repositories", "nav.repositories"],
  ["/organizations", "nav.organizations"],
  ["/settings", "nav.account"],
  ["/settings/tokens", "nav.tokens"],
  ["/activity", "nav.audit"],
];

export function AccountMenu({ user }: { user: User }) {
  const { t } = useTexts();
  const { reload } = useSession();
  const send = useRequest();
  const leave = async () => {
    await send("DELETE", "/session");
    reload();
    navigate("/");
  };
  const label = (
    <>
      <Tile name={user.name} size="small" />
      <span className="account-name">{user.name}</span>
      <Icon name="down" />
    </>
  );
  return (
    <Menu label={t("nav.menu", { name: user.name })} button={label}>
      {(close) => (
        <>
          {PLACES.map(([place, text]) => (
            <Link key={place} className="menu-item" to={place} onClick={close}>
              {t(text)}
            </Link>
          ))}
          {user.isAdmin && (
            <Link className="menu-item" to="/admin" onClick={close}>
              {t("nav.admin")}
            </Link>
          )}
          <button className="menu-item" onClick={leave}>
            {t("nav.signOut")}
          </button>
        </>
      )}
    </Menu>
  );
}
