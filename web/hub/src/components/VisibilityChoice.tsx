import { useId } from "react";
import { useTexts } from "../i18n/language";

interface VisibilityProps {
  isPrivate: boolean;
  onChange: (isPrivate: boolean) => void;
}

export function VisibilityChoice({ isPrivate, onChange }: VisibilityProps) {
  const { t } = useTexts();
  const name = useId();
  return (
    <fieldset>
      <legend>{t("settings.visibility")}</legend>
      {[false, true].map((value) => (
        <label key={String(value)} className="option">
          <input type="radio" name={name} checked={isPrivate === value} onChange={() => onChange(value)} />
          {t(value ? "settings.private" : "settings.public")}
        </label>
      ))}
    </fieldset>
  );
}
