import { firstSpoken } from "../../languages.ts";
import { de } from "./de.ts";
import { en } from "./en.ts";
import { es } from "./es.ts";
import { fr } from "./fr.ts";
import type { Words } from "./words.ts";

/** The words of the first of these languages that there are words in, else English. Each is a tag like `de-AT`. */
export function wordsFor(...tags: (string | null | undefined)[]): Words {
  return firstSpoken([en, de, fr, es], tags);
}
