import { account } from "./texts/account";
import { explore } from "./texts/explore";
import { repository } from "./texts/repository";
import { shell } from "./texts/shell";

/** Every text of the site: key to English and Korean. */
export const texts = { ...shell, ...explore, ...repository, ...account };
export type TextKey = keyof typeof texts;
