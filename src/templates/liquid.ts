import { CaptureTag, Context, filters, Liquid, type Template, toValueSync } from "liquidjs";

/**
 * The cage for templates that users write. They see what they are given and nothing else: no files, no prototypes, no
 * network, and bounds on what they may take. They run in this process, so the bounds are what keeps a bad one small.
 */

/** Characters of one template. */
export const MAX_TEMPLATE_LENGTH = 65_536;
/** Characters that one template may make. */
export const MAX_OUTPUT_LENGTH = 65_536;
/** Characters and array elements that one rendering may make on its way. */
const MEMORY_LIMIT = 1_000_000;
/** Milliseconds for one rendering: far above what an honest template takes, as a busy machine must not break one. */
const RENDER_LIMIT_MS = 500;

/** A template that can't be rendered. The message is a sentence with line and column, for the one who wrote it. */
export class BrokenTemplate extends Error {
  override name = "BrokenTemplate";
}

/** How a rendering writes dates: IANA zone and BCP 47 locale. */
export interface DateStyle {
  timeZone: string;
  locale: string;
}

const engine = new Liquid({
  templates: {}, // replaces the file system
  ownPropertyOnly: true,
  strictFilters: true,
  parseLimit: MAX_TEMPLATE_LENGTH,
  renderLimit: RENDER_LIMIT_MS,
  memoryLimit: MEMORY_LIMIT,
});

// With no files there is nothing to include, so that the tags are refused when a template is written, not when it is sent.
for (const tag of ["include", "render", "layout", "block"]) delete engine.tags[tag];

// Liquid counts what filters make, but not what a capture collects; doubling one in a loop would be free.
engine.registerTag(
  "capture",
  class extends CaptureTag {
    override *render(context: Context): Generator<unknown, void, string> {
      yield* super.render(context);
      const captured: unknown = context.bottom()[this.variable as keyof object];
      if (typeof captured === "string") context.memoryLimit.use(captured.length);
    }
  },
);

// A calendar date ("2025-12-01") is that day everywhere; read as midnight UTC it would be the day before in New York.
const writeDate = filters.date;
if (typeof writeDate === "function") {
  engine.registerFilter("date", function (value: unknown, format?: unknown, zone?: unknown) {
    const isCalendarDate = typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value);
    return writeDate.call(this, value, format, zone ?? (isCalendarDate ? 0 : undefined));
  });
}

/** What is wrong with a template as it is written: a sentence with line and column, or null when it is fine. */
export function checkTemplate(text: string): string | null {
  try {
    parse(text);
    return null;
  } catch (error) {
    if (error instanceof BrokenTemplate) return error.message;
    throw error;
  }
}

/** Fills a template in. Throws `BrokenTemplate`; whatever the template does, nothing else. */
export function fillIn(text: string, scope: Record<string, unknown>, style: DateStyle): string {
  const template = parse(text);
  const options = { ...engine.options, timezoneOffset: style.timeZone, locale: style.locale };
  const context = new Context(scope, options, { sync: true }, { liquid: engine });
  const output = new BoundedOutput();
  try {
    toValueSync(engine.renderer.renderTemplates(template, context, output));
  } catch (error) {
    throw broken(error);
  }
  // Cutting strings can split a character in two; what leaves here is whole.
  return output.buffer.toWellFormed();
}

function parse(text: string): Template[] {
  try {
    return engine.parse(text);
  } catch (error) {
    throw broken(error);
  }
}

class BoundedOutput {
  buffer = "";

  write(piece: unknown): void {
    this.buffer += typeof piece === "string" ? piece : plain(piece);
    if (this.buffer.length > MAX_OUTPUT_LENGTH) throw new Error(`more than ${MAX_OUTPUT_LENGTH} characters come out`);
  }
}

/** Liquid would glue lists together and write `[object Object]`, which nobody wants in a message. */
function plain(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return value.map(plain).join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function broken(error: unknown): BrokenTemplate {
  const sentence = error instanceof Error ? error.message : String(error);
  return new BrokenTemplate(sentence.replace(/\s+/g, " ").slice(0, 300));
}
