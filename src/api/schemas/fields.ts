import { z } from "zod";
import type { JsonObject } from "../../core/json.ts";
import { checkTemplate } from "../../templates/liquid.ts";
import { isLocale, isTimeZone } from "./intl.ts";
import { jsonFlaw } from "./json-object.ts";
import { lengthOf, whyNotOneLine, whyNotText } from "./text.ts";

/** Text that PostgreSQL keeps as it is, from 1 to `max` characters. */
export function text(max: number) {
  return z
    .string()
    .check((ctx) => {
      const why = whyNotText(ctx.value) ?? whyNotLength(ctx.value, max);
      if (why) ctx.issues.push({ code: "custom", message: why, input: ctx.value });
    })
    .meta({ minLength: 1, maxLength: max });
}

function whyNotLength(value: string, max: number): string | null {
  if (value === "") return "must not be empty";
  return value.length > max && lengthOf(value) > max ? `must have at most ${max} characters` : null;
}

/** The same, on one line. */
export function line(max: number) {
  return text(max).check((ctx) => {
    const why = whyNotOneLine(ctx.value);
    if (why) ctx.issues.push({ code: "custom", message: why, input: ctx.value });
  });
}

/** A Liquid template that can be read; filled in, it may still find that what it speaks of isn't there. */
export function template(schema: z.ZodString) {
  return schema.check((ctx) => {
    const why = checkTemplate(ctx.value);
    if (why) ctx.issues.push({ code: "custom", message: `must be a Liquid template: ${why}`, input: ctx.value });
  });
}

const EARLIEST = Date.UTC(1970, 0, 1);
const LATEST = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
const INSTANT =
  "must be an instant of the years 1970 to 9999 in ISO 8601 with Z or an offset, like 2026-01-31T09:00:00Z";

/** An instant in a request; milliseconds since the epoch inside. Finer digits are cut off. */
export const instant = z.iso
  .datetime({ offset: true, error: INSTANT })
  .transform((value, ctx) => {
    const instant = Date.parse(value);
    if (instant >= EARLIEST && instant <= LATEST) return instant;
    ctx.issues.push({ code: "custom", message: INSTANT, input: value });
    return z.NEVER;
  })
  .meta({ pattern: undefined, example: "2026-01-31T09:00:00Z" });

/** An instant in an answer. */
export const isoInstant = z.string().meta({ format: "date-time" });

const anyObject = z.custom<JsonObject>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  { error: "must be a JSON object" },
);

/** A JSON object in a request, that can be kept and given back as it is. */
export const jsonObject = anyObject
  .check((ctx) => {
    const flaw = jsonFlaw(ctx.value);
    if (flaw) ctx.issues.push({ code: "custom", ...flaw, input: ctx.value });
  })
  .meta({ type: "object", additionalProperties: true });

/** A JSON object in an answer. */
export const freeObject = anyObject.meta({ type: "object", additionalProperties: true });

export const timeZone = line(100).refine(isTimeZone, {
  error: "must be a time zone of the IANA database, like Europe/Berlin or UTC",
});

export const locale = line(100)
  .refine(isLocale, { error: "must be a language tag of BCP 47, like en or pt-BR" })
  .transform((tag) => new Intl.Locale(tag).toString());

/** A whole number in a body. */
export function wholeNumber({ min, max }: { min: number; max: number }) {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.int({ error, abort: true }).min(min, error).max(max, error);
}

/** A whole number written in a path or a query string. */
export function integer({ min, max }: { min: number; max: number }) {
  const error = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .transform((digits, ctx) => {
      const value = /^(0|[1-9]\d{0,15})$/.test(digits) ? Number(digits) : Number.NaN;
      if (value >= min && value <= max) return value;
      ctx.issues.push({ code: "custom", message: error, input: digits });
      return z.NEVER;
    })
    .meta({ type: "integer", minimum: min, maximum: max });
}

/** `true` or `false` in a query string. */
export const queryBoolean = z
  .enum(["true", "false"])
  .transform((word) => word === "true")
  .meta({ type: "boolean", enum: undefined });

/** The id in a reminder's path. */
export const idParams = z.strictObject({
  id: integer({ min: 1, max: Number.MAX_SAFE_INTEGER }).meta({ description: "The reminder's id.", example: 1 }),
});

/** A new name that is a part of an address: what programs and proxies resolve on their way could be asked for by nobody. */
export function addressable(name: z.ZodType<string>) {
  return name.refine((text) => !/[/\\]/.test(text) && text !== "." && text !== "..", {
    error: 'must have no slash in it, and be neither "." nor ".."',
  });
}
