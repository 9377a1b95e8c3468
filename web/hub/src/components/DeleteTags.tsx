import { useState } from "react";
import { useRequest } from "../api/hooks";
import type { TagsDeleted } from "../api/types";
import { useTexts } from "../i18n/language";
import { useAnnounce } from "../lib/announce";
import { Confirm } from "./Confirm";

interface DeleteTagsProps {
  base: string;
  tags: readonly string[];
  onDone: () => void;
}

export function DeleteTags({ base, tags, onDone }: DeleteTagsProps) {
  const { t } = useTexts();
  const send = useRequest();
  const announce = useAnnounce();
  const [isAsking, setAsking] = useState(false);
  const [refused, setRefused] = useState<TagsDeleted["refused"]>([]);
  const work = async () => {
    const answer = await send<TagsDeleted>("POST", `${base}/delete`, { tags });
    setRefused(answer.refused);
    announce(t("tags.deleted", { tags: answer.deleted.join(", ") }));
    onDone();
  };
  return (
    <>
      {tags.length > 0 && (
        <p className="actions">
          <button className="button danger" onClick={() => setAsking(true)}>
            {t("tags.deleteSelected", { count: tags.length })}
          </button>
        </p>
      )}
      {refused.map((each) => (
        <p key={each.tag} className="problem" role="alert">
          <strong>{each.tag}</strong> <span>{each.message}</span>
        </p>
      ))}
      {isAsking && (
        <Confirm
          title={t("tags.delete.title")}
          text={t("tags.delete.text", { tags: tags.join(", ") })}
          action={t("delete")}
          work={work}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  );
}
