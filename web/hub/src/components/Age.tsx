import { useTexts } from "../i18n/language";
import { age, moment } from "../lib/format";

/** "3 days ago", with the exact time on hover. */
export function Age({ time }: { time: string }) {
  const { language } = useTexts();
  return (
    <time dateTime={time} title={moment(time, language)}>
      {age(time, language)}
    </time>
  );
}
