import { de } from "./de.ts";
import { en } from "./en.ts";
import { es } from "./es.ts";
import { fr } from "./fr.ts";
import type { Words } from "./words.ts";

const LANGUAGES: readonly Words[] = [en, de, fr, es];
const MOST_ACCEPTED = 10;

/** The words of the first of these languages that there are words in, else English. Each is a tag like `de-AT`. */
export function wordsFor(...tags: (string | null | undefined)[]): Words {
  for (const tag of tags) {
    const language = tag?.toLowerCase().split(/[-_]/, 1)[0];
    const found = LANGUAGES.find((words) => words.language === language);
    if (found) return found;
  }
  return en;
}

/** The languages of a header `Accept-Language`, the dearest first. */
export function acceptedLanguages(header: string | undefined): string[] {
  return (header ?? "")
    .slice(0, 500)
    .split(",")
    .slice(0, MOST_ACCEPTED)
    .map((part) => {
      const [tag = "", ...parameters] = part.trim().split(/\s*;\s*/);
      const quality = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
      return { tag, quality: quality === undefined ? 1 : Number(quality) || 0 };
    })
    .filter(({ quality }) => quality > 0)
    .toSorted((one, other) => other.quality - one.quality)
    .map(({ tag }) => tag);
}
