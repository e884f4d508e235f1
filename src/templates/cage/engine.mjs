// @ts-check
// The language of users' templates. Plain JavaScript, because the threads of the cage are started from files as they are.
import { CaptureTag, Context, filters, Liquid, toValueSync } from "liquidjs";

/** Characters of one template. */
export const MAX_TEMPLATE_LENGTH = 65_536;
/** Characters, and bytes of UTF-8, that one template may make. */
export const MAX_OUTPUT_LENGTH = 65_536;
/** Characters and array elements that one rendering may make on its way. */
const MEMORY_LIMIT = 1_000_000;
/** Milliseconds for one rendering, where nobody ends the thread that it runs in. */
const RENDER_LIMIT_MS = 500;

/** A template that can't be rendered. The message is a sentence with line and column, for the one who wrote it. */
export class BrokenTemplate extends Error {
  name = "BrokenTemplate";
}

// What isn't listed doesn't exist. Nothing here reads files, encodes secrets, or evaluates text.
const TAGS = new Set(
  "assign break capture case comment continue cycle decrement echo for if increment liquid raw tablerow unless #".split(
    " ",
  ),
);
const FILTERS = new Set(
  (
    "abs append at_least at_most capitalize ceil compact concat date default divided_by downcase escape escape_once find first floor " +
    "has join json jsonify last lstrip map minus modulo newline_to_br normalize_whitespace number_of_words plus prepend remove " +
    "remove_first remove_last replace replace_first replace_last reverse round rstrip size slice sort sort_natural split squish strip " +
    "strip_html strip_newlines sum times to_integer truncate truncatewords uniq upcase url_decode url_encode where xml_escape"
  ).split(" "),
);

/** Text that is markup already. */
class Markup {
  /** @param {string} markup */
  constructor(markup) {
    this.markup = markup;
  }
}

/** @type {Readonly<Record<string, string>>} */
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** @param {unknown} value */
function escaped(value) {
  if (value instanceof Markup) return value.markup;
  return plain(value).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

const textEngine = makeEngine(false);
/** Where whatever a template puts in is text, and never becomes markup. */
const htmlEngine = makeEngine(true);

/** @param {boolean} isHtml */
function makeEngine(isHtml) {
  const engine = new Liquid({
    templates: {}, // replaces the file system
    ownPropertyOnly: true,
    strictFilters: true,
    lenientIf: true,
    parseLimit: MAX_TEMPLATE_LENGTH,
    renderLimit: RENDER_LIMIT_MS,
    memoryLimit: MEMORY_LIMIT,
    ...(isHtml ? { outputEscape: escaped } : {}),
  });
  for (const tag of Object.keys(engine.tags)) if (!TAGS.has(tag)) delete engine.tags[tag];
  for (const filter of Object.keys(engine.filters)) if (!FILTERS.has(filter)) delete engine.filters[filter];

  // Liquid counts what filters make, but not what a capture collects; doubling one in a loop would be free.
  engine.registerTag(
    "capture",
    class extends CaptureTag {
      /** @param {Context} context @returns {Generator<unknown, void, string>} */
      *render(context) {
        yield* super.render(context);
        const captured = /** @type {Record<string, unknown>} */ (context.bottom())[this.variable];
        if (typeof captured !== "string") return;
        context.memoryLimit.use(captured.length);
        // What was captured is made of the template's own markup and of what was escaped when it was put in.
        if (isHtml) /** @type {Record<string, unknown>} */ (context.bottom())[this.variable] = new Markup(captured);
      }
    },
  );
  if (isHtml) {
    engine.registerFilter("newline_to_br", function (value) {
      const markup = escaped(value).replace(/\r?\n/g, "<br>\n");
      this.context.memoryLimit.use(markup.length);
      return new Markup(markup);
    });
  }
  addWordFilters(engine);
  return engine;
}

/** @param {Liquid} engine */
function addWordFilters(engine) {
  // A calendar date ("2025-12-01") is that day everywhere; read as midnight UTC it would be the day before in New York.
  const writeDate = filters.date;
  if (typeof writeDate === "function") {
    engine.registerFilter("date", function (value, format, zone) {
      return writeDate.call(this, value, format, zone ?? (isCalendarDate(value) ? 0 : undefined));
    });
  }
  // Of these each takes the reader's language and zone.
  engine.registerFilter("long_date", function (value) {
    return writeInstant(this, value, { dateStyle: "long" });
  });
  engine.registerFilter("date_time", function (value) {
    return writeInstant(this, value, { dateStyle: "long", timeStyle: "short" });
  });
  engine.registerFilter("number", function (value) {
    const number = numberOf(value);
    return number === null ? value : plainSpaces(new Intl.NumberFormat(localeOf(this)).format(number));
  });
  engine.registerFilter("money", function (value, currency) {
    const number = numberOf(value);
    if (number === null) return value;
    if (!/^[A-Za-z]{3}$/.test(String(currency)))
      throw new Error('money needs a currency of three letters, like money: "EUR"');
    const style = /** @type {const} */ ({ style: "currency", currency: String(currency) });
    return plainSpaces(new Intl.NumberFormat(localeOf(this), style).format(number));
  });
  engine.registerFilter("plural", function (value, /** @type {unknown[]} */ ...forms) {
    const number = numberOf(value) ?? 0;
    /** @type {Map<unknown, unknown>} */
    const known = new Map(forms.filter(Array.isArray).map(([name, text]) => [name, text]));
    if (!known.has("other"))
      throw new Error('plural needs the form "other", like plural: one: "# day", other: "# days"');
    const form = known.get(new Intl.PluralRules(localeOf(this)).select(number)) ?? known.get("other");
    const written = plainSpaces(new Intl.NumberFormat(localeOf(this)).format(number));
    return plain(form).replaceAll("#", written);
  });
}

/** @param {unknown} value */
function isCalendarDate(value) {
  return typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value);
}

/** @param {{ context: Context }} filter @param {unknown} value @param {Intl.DateTimeFormatOptions} style */
function writeInstant({ context }, value, style) {
  const at = typeof value === "string" || typeof value === "number" ? new Date(value) : null;
  if (at === null || Number.isNaN(at.getTime())) return value;
  const zone = isCalendarDate(value) ? "UTC" : String(context.opts.timezoneOffset ?? "UTC");
  return plainSpaces(new Intl.DateTimeFormat(context.opts.locale, { ...style, timeZone: zone }).format(at));
}

/** @param {{ context: Context }} filter */
function localeOf({ context }) {
  return context.opts.locale;
}

/** @param {unknown} value */
function numberOf(value) {
  if (typeof value !== "number" && (typeof value !== "string" || value.trim() === "")) return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

/** Intl sets narrow no-break spaces, which terminals and older mail programs show as boxes. @param {string} text */
function plainSpaces(text) {
  return text.replace(/[\u00A0\u202F]/g, " ");
}

/**
 * What is wrong with a template as it is written: a sentence with line and column, or null when it is fine.
 * @param {string} text
 * @param {{ html?: boolean }} [options]
 */
export function checkTemplate(text, { html = false } = {}) {
  try {
    parse(html ? htmlEngine : textEngine, text);
    return null;
  } catch (error) {
    if (error instanceof BrokenTemplate) return error.message;
    throw error;
  }
}

/** The names that a template speaks of and doesn't set itself. Throws `BrokenTemplate`. @param {string} text */
export function namesIn(text) {
  try {
    return textEngine.globalVariablesSync(parse(textEngine, text), { partials: false }).map(String);
  } catch (error) {
    throw broken(error);
  }
}

/**
 * Fills a template in. Throws `BrokenTemplate`; whatever the template does, nothing else.
 * @param {string} text
 * @param {Record<string, unknown>} scope
 * @param {{ timeZone: string, locale: string }} style
 * @param {{ html?: boolean, strict?: boolean }} [options] strict: what isn't there is a mistake
 */
export function fillIn(text, scope, style, { html = false, strict = false } = {}) {
  const engine = html ? htmlEngine : textEngine;
  const template = parse(engine, text);
  const options = { ...engine.options, timezoneOffset: style.timeZone, locale: style.locale };
  const context = new Context(scope, options, { sync: true, strictVariables: strict }, { liquid: engine });
  const output = new BoundedOutput();
  try {
    toValueSync(engine.renderer.renderTemplates(template, context, output));
    // Cutting strings can split a character in two; what leaves here is whole.
    const whole = output.buffer.toWellFormed();
    if (Buffer.byteLength(whole) > MAX_OUTPUT_LENGTH) throw new Error(`more than ${MAX_OUTPUT_LENGTH} bytes come out`);
    return html ? withoutPrograms(whole) : whole;
  } catch (error) {
    throw broken(error);
  }
}

/** Addresses in markup lead to web pages, mailboxes and telephones, or nowhere: data may be an address too. @param {string} markup */
function withoutPrograms(markup) {
  // Browsers skip control characters and spaces within a scheme.
  return markup.replace(
    /\b(href|src|action|formaction|background)(\s*=\s*["']?)([\p{Cc}\s]*[a-z][a-z0-9+.\-\p{Cc}\s]*):/giu,
    (whole, name, equals, scheme) =>
      /^(https?|mailto|tel|cid)$/i.test(scheme.replace(/[\p{Cc}\s]/gu, "")) ? whole : `${name}${equals}#`,
  );
}

/** @param {Liquid} engine @param {string} text */
function parse(engine, text) {
  try {
    return engine.parse(text);
  } catch (error) {
    throw broken(error);
  }
}

class BoundedOutput {
  buffer = "";

  /** @param {unknown} piece */
  write(piece) {
    this.buffer += typeof piece === "string" ? piece : plain(piece);
    if (this.buffer.length > MAX_OUTPUT_LENGTH) throw new Error(`more than ${MAX_OUTPUT_LENGTH} characters come out`);
  }
}

/** Liquid would glue lists together and write `[object Object]`, which nobody wants in a message. @param {unknown} value @returns {string} */
function plain(value) {
  if (value === null || value === undefined) return "";
  if (value instanceof Markup) return value.markup;
  if (Array.isArray(value)) return value.map(plain).join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** @param {unknown} error */
function broken(error) {
  const sentence = error instanceof Error ? error.message : String(error);
  return new BrokenTemplate(sentence.replace(/\s+/g, " ").slice(0, 300));
}
