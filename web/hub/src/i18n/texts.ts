import { account } from "./texts/account";
import { activity } from "./texts/activity";
import { explore } from "./texts/explore";
import { repository } from "./texts/repository";
import { shell } from "./texts/shell";

/** Every text of the site: key to English and Korean. */
export const texts = { ...shell, ...explore, ...repository, ...account, ...activity };
export type TextKey = keyof typeof texts;

/** Whether something that the hub names has a text: its next version may name more. */
export function isKnown(key: string): key is TextKey {
  return key in texts;
}
