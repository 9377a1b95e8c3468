import { useState } from "react";
import { useData, useRequest } from "../../api/hooks";
import type { Done, Token, TokenMade, Tokens } from "../../api/types";
import { Confirm } from "../../components/Confirm";
import { Loader } from "../../components/Loader";
import { NewToken } from "../../components/NewToken";
import { SignedInOnly } from "../../components/SignedInOnly";
import { TokenRow } from "../../components/TokenRow";
import { TokenSecret } from "../../components/TokenSecret";
import { useTexts } from "../../i18n/language";
import { useTitle } from "../../lib/navigation";

export default function TokensPage() {
  const { t } = useTexts();
  useTitle(t("tokens.title"));
  return <SignedInOnly>{(user) => <OwnTokens name={user.name} />}</SignedInOnly>;
}

function OwnTokens({ name }: { name: string }) {
  const { t } = useTexts();
  const send = useRequest();
  const loaded = useData<Tokens>("/tokens");
  const [made, setMade] = useState<TokenMade | null>(null);
  const [revoked, setRevoked] = useState<Token | null>(null);
  const revoke = async () => {
    await send<Done>("DELETE", `/tokens/${revoked?.id}`);
    loaded.reload();
  };
  return (
    <div className="page-narrow settings-body">
      <header className="page-head">
        <h1>{t("tokens.title")}</h1>
        <p>{t("tokens.text")}</p>
      </header>
      {made && <TokenSecret made={made} user={name} />}
      <Loader of={loaded}>
        {({ results }) =>
          results.length === 0 ? (
            <p>{t("tokens.none")}</p>
          ) : (
            <ul className="rows">
              {results.map((token) => (
                <TokenRow key={token.id} token={token} onRevoke={() => setRevoked(token)} />
              ))}
            </ul>
          )
        }
      </Loader>
      <NewToken
        onMade={(token) => {
          setMade(token);
          loaded.reload();
        }}
      />
      {revoked && (
        <Confirm
          title={t("tokens.revoke")}
          text={t("tokens.revoke.text", { name: revoked.name })}
          action={t("tokens.revoke")}
          work={revoke}
          onClose={() => setRevoked(null)}
        />
      )}
    </div>
  );
}
