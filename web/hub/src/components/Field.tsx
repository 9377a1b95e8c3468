import { useId, type InputHTMLAttributes, type TextareaHTMLAttributes } from "react";
import { useTexts } from "../i18n/language";

interface Shared {
  label: string;
  hint?: string | undefined;
  value: string;
  onValue: (value: string) => void;
}

type FieldProps = Shared & Omit<InputHTMLAttributes<HTMLInputElement>, "value" | "onChange">;

/** A labelled line of text. */
export function Field({ label, hint, value, onValue, required, ...rest }: FieldProps) {
  const { t } = useTexts();
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>
        {label}
        {required === false && <span className="field-optional"> ({t("optional")})</span>}
      </label>
      <input
        id={id}
        value={value}
        required={required ?? false}
        onChange={(event) => onValue(event.target.value)}
        aria-describedby={hint ? `${id}-hint` : undefined}
        {...rest}
      />
      {hint && <small id={`${id}-hint`}>{hint}</small>}
    </div>
  );
}

type AreaProps = Shared & Omit<TextareaHTMLAttributes<HTMLTextAreaElement>, "value" | "onChange">;

/** A labelled text of several lines. */
export function Area({ label, hint, value, onValue, ...rest }: AreaProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <textarea
        id={id}
        value={value}
        onChange={(event) => onValue(event.target.value)}
        aria-describedby={hint ? `${id}-hint` : undefined}
        {...rest}
      />
      {hint && <small id={`${id}-hint`}>{hint}</small>}
    </div>
  );
}
