import type { AnswerButton } from "../../templates/answers.ts";
import type { Placeholder, Template, TemplateObject } from "./service.ts";

/** What placeholders stand for; null: nothing. */
export type Values = Readonly<Record<Placeholder, string | null>>;
type Known = Readonly<Record<string, string | null>>;

type Filled = string | number | boolean | Filled[] | { [name: string]: Filled };

const PLACEHOLDER = /\{([a-z_]+)\}/g;

/** The body of a request. Values come into strings of JSON that is written afterwards, so that none can break out of its own. */
export function fillBody(body: TemplateObject, values: Values, answers: readonly AnswerButton[]): object {
  return (fill(body, values, answers) ?? {}) as object;
}

/** A URL: whatever is filled in after its beginning is one part of a path or query. */
export function fillUrl(url: string, values: Values): string {
  return url.replaceAll(PLACEHOLDER, (_, name: Placeholder, at: number) => {
    const value = values[name] ?? "";
    // A token has no character that means something in a URL: its rule sees to that.
    return at === 0 || name === "token" ? value : encodeURIComponent(value);
  });
}

/** Header fields; one whose value comes to nothing is left out. `{basic}` is the token as HTTP Basic has it (RFC 7617). */
export function fillHeaders(headers: Readonly<Record<string, string>>, values: Values): Record<string, string> {
  const { token } = values;
  const filled = Object.entries(headers).map(([name, value]): [string, string | null] => {
    if (token === null && /\{(token|basic)\}/.test(value)) return [name, null];
    const basic = Buffer.from(token ?? "").toString("base64");
    return [name, value.replaceAll("{basic}", basic).replaceAll("{token}", () => token ?? "")];
  });
  return Object.fromEntries(filled.filter((pair): pair is [string, string] => pair[1] !== null));
}

function fill(template: Template, values: Known, answers: readonly AnswerButton[]): Filled | null {
  if (typeof template === "string") return fillText(template, values);
  if (typeof template !== "object") return template;
  if (isList(template)) {
    const items = template.flatMap((item) => {
      if (typeof item !== "object" || !("forEachAnswer" in item)) return [fill(item, values, answers)];
      const each = item.forEachAnswer as Template;
      return answers.map(({ label, url }) => fill(each, { ...values, label, answer_url: url }, answers));
    });
    const filled = items.filter((item): item is Filled => item !== null);
    return filled.length === 0 && template.length > 0 ? null : filled;
  }
  const parts = Object.entries(template).map(([name, part]) => [name, fill(part, values, answers)] as const);
  const filled = parts.filter((part): part is readonly [string, Filled] => part[1] !== null);
  return filled.length === 0 && parts.length > 0 ? null : Object.fromEntries(filled);
}

/** Null where it is nothing but a placeholder that stands for nothing. */
function fillText(text: string, values: Known): string | null {
  const filled = text.replaceAll(PLACEHOLDER, (_, name: string) => values[name] ?? "");
  return filled === "" && text !== "" ? null : filled;
}

function isList(template: object): template is readonly Template[] {
  return Array.isArray(template);
}
