/** What is done where something that a template speaks of isn't there. */
export const MISSING = ["empty", "error"] as const;
export type Missing = (typeof MISSING)[number];

/** What is sent where a template can't be filled in: the built-in words, so that somebody is reminded all the same, or nothing. */
export const ON_FAILURE = ["built_in", "fail"] as const;
export type OnFailure = (typeof ON_FAILURE)[number];

/** In place of an event type, a channel or a locale: any. */
export const ANY = "*";

/** What a template is for. Each may be `ANY`. */
export interface TemplateKey {
  eventType: string;
  channel: string;
  /** BCP 47 in its canonical form. */
  locale: string;
}

/** What a message wants. */
export interface WantedTemplate extends TemplateKey {
  /** In whose words it is rather than in those of its event type: templates are stored under such a name as under an event type. */
  named?: string | null;
}

/** What a template says; each text is Liquid. */
export interface TemplateTexts {
  /** Null: the built-in one. */
  subject: string | null;
  /** Plain text: what every channel can show. */
  text: string;
  /** The whole page of an e-mail; null: the built-in one around `text`. */
  html: string | null;
  /** The MJML that `html` was compiled from; null: it was written as it is. */
  mjml: string | null;
  missing: Missing;
  onFailure: OnFailure;
}

/** One version of a template. */
export interface StoredTemplate extends TemplateKey, TemplateTexts {
  version: number;
  /** True where it speaks of `message`: then it frames a reminder's own words instead of giving way to them. */
  framesOwn: boolean;
}

/** The version of what nobody has saved yet. */
export const DRAFT = 0;

/** How a template is called in sentences for people. */
export function nameOf({ eventType, channel, locale, version }: TemplateKey & { version: number }): string {
  if (version === DRAFT) return "the template as given";
  return `the template ${eventType}/${channel}/${locale} (version ${version})`;
}

/** The templates that may be meant, the best first: event type before channel before language, each as it is before any. */
export function candidates({ named, eventType, channel, locale }: WantedTemplate): TemplateKey[] {
  const locales = [...languages(locale), ANY];
  return [...(named == null ? [] : [named]), eventType, ANY].flatMap((eventType) =>
    [channel, ANY].flatMap((channel) => locales.map((locale) => ({ eventType, channel, locale }))),
  );
}

/** The best of these for what is wanted; null where none fits. */
export function bestOf<T extends TemplateKey>(templates: readonly T[], wanted: WantedTemplate): T | null {
  for (const { eventType, channel, locale } of candidates(wanted)) {
    const found = templates.find(
      (one) => one.eventType === eventType && one.channel === channel && one.locale === locale,
    );
    if (found) return found;
  }
  return null;
}

/** `zh-Hant-TW`, `zh-Hant`, `zh`. */
function languages(locale: string): string[] {
  const parts = locale.split("-");
  return parts.map((_, index) => parts.slice(0, parts.length - index).join("-"));
}
