import { useAction } from "../api/hooks";
import { useTexts } from "../i18n/language";
import { Dialog } from "./Dialog";
import { Problem } from "./Problem";

interface ConfirmProps {
  title: string;
  text: string;
  action: string;
  work: () => Promise<void>;
  onClose: () => void;
}

/** Asks before something that can't be undone. */
export function Confirm({ title, text, action, work, onClose }: ConfirmProps) {
  const { t } = useTexts();
  const { run, isBusy, error } = useAction(work);
  const confirm = async () => {
    if (await run()) onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{text}</p>
      <Problem error={error} />
      <p className="actions">
        <button className="button danger" disabled={isBusy} onClick={confirm}>
          {action}
        </button>
        <button className="button quiet" onClick={onClose}>
          {t("cancel")}
        </button>
      </p>
    </Dialog>
  );
}
