import { useTexts } from "../i18n/language";
import type { TextKey } from "../i18n/texts";
import { age, moment } from "../lib/format";

interface AgeProps {
  time: string;
  /** A sentence with {age} in it. */
  within?: TextKey;
}

/** "3 days ago", with the exact time on hover. */
export function Age({ time, within }: AgeProps) {
  const { language, t } = useTexts();
  const text = age(time, language);
  return (
    <time dateTime={time} title={moment(time, language)}>
      {within ? t(within, { age: text }) : text}
    </time>
  );
}
