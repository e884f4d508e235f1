export {
  BrokenTemplate,
  checkTemplate,
  fillIn,
  MAX_OUTPUT_LENGTH,
  MAX_TEMPLATE_LENGTH,
} from "./cage/engine.mjs";

/** How a rendering writes dates: IANA zone and BCP 47 locale. */
export interface DateStyle {
  timeZone: string;
  locale: string;
}

/** True for a text that is more than itself: it has to be filled in. */
export function isTemplate(text: string): boolean {
  return text.includes("{{") || text.includes("{%");
}
