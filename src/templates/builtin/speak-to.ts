import { type Renderable, styleOf } from "../context.ts";
import type { DateStyle } from "../liquid.ts";
import type { Catalog } from "./catalog.ts";
import { catalogFor, localeFor } from "./speak.ts";

/** The built-in words in a reader's language, and how dates are written for them. */
export function speakTo(message: Renderable): { words: Catalog; style: DateStyle } {
  const style = styleOf(message);
  const locale = localeFor(style.locale);
  return { words: catalogFor(locale), style: { ...style, locale } };
}
