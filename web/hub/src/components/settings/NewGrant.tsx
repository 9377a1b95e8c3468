import { useState } from "react";
import { path } from "../../api/client";
import { useAction, useRequest } from "../../api/hooks";
import type { Grants } from "../../api/types";
import { useTexts } from "../../i18n/language";
import { Choice } from "../Choice";
import { Field } from "../Field";
import { Form } from "../Form";

interface NewGrantProps {
  base: string;
  hasTeams: boolean;
  onMade: () => void;
}

const ROLES = ["reader", "writer", "owner"] as const;

export function NewGrant({ base, hasTeams, onMade }: NewGrantProps) {
  const { t } = useTexts();
  const send = useRequest();
  const [kind, setKind] = useState<"user" | "team">("user");
  const [name, setName] = useState("");
  const [role, setRole] = useState<(typeof ROLES)[number]>("reader");
  const grant = useAction(async () => {
    await send<Grants>("PUT", `${base}/grants${path`/${`${kind}:${name.trim()}`}`}`, { role });
    setName("");
    onMade();
  });
  return (
    <Form action={grant} button={t("access.grant")} done={t("saved")} className="panel">
      <div className="form-row">
        {hasTeams && (
          <Choice
            label={t("access.kind")}
            value={kind}
            options={[
              ["user", t("access.user")],
              ["team", t("access.team")],
            ]}
            onValue={setKind}
          />
        )}
        <Field label={t("access.name")} value={name} onValue={setName} required autoCapitalize="none" />
        <Choice
          label={t("access.role")}
          value={role}
          options={ROLES.map((each) => [each, t(`role.${each}`)])}
          onValue={setRole}
        />
      </div>
    </Form>
  );
}
