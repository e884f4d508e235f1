import type { JsonValue } from "../core/json.ts";

// Singular queries of JSONPath (RFC 9535 §2.3.5.1): names and indexes, which lead to one value or none. Not more of it: what
// selects many values leaves open which of them counts, and filters can be written that take for ever.

const LONGEST_PATH_CHARS = 500;

type Step = string | number;

const SPACE = "[ \\t\\n\\r]*";
/** `.name`; the name as §2.5.1.1 has it. */
const SHORTHAND =
  "\\.(?<name>[A-Za-z_\\u{80}-\\u{d7ff}\\u{e000}-\\u{10ffff}][A-Za-z0-9_\\u{80}-\\u{d7ff}\\u{e000}-\\u{10ffff}]*)";
/** A backslash, and what may stand behind it in either kind of quotes. */
const ESCAPED = "\\\\(?:[bfnrt/\\\\]|u[0-9A-Fa-f]{4})";
const DOUBLE = `"(?<double>(?:[^"\\\\\\u{0}-\\u{1f}]|\\\\"|${ESCAPED})*)"`;
const SINGLE = `'(?<single>(?:[^'\\\\\\u{0}-\\u{1f}]|\\\\'|${ESCAPED})*)'`;
const INDEX = "(?<index>0|-?[1-9][0-9]{0,8})";
const SEGMENT = new RegExp(`${SPACE}(?:${SHORTHAND}|\\[${SPACE}(?:${DOUBLE}|${SINGLE}|${INDEX})${SPACE}\\])`, "uy");

/** Null for what isn't such a path. */
function parseJsonPath(path: string): readonly Step[] | null {
  if (!path.startsWith("$") || path.length > LONGEST_PATH_CHARS) return null;
  const steps: Step[] = [];
  for (let at = 1; at < path.length; at = SEGMENT.lastIndex) {
    SEGMENT.lastIndex = at;
    const { name, double, single, index } = SEGMENT.exec(path)?.groups ?? {};
    if (index !== undefined) steps.push(Number(index));
    else if (name !== undefined) steps.push(name);
    else if (double !== undefined) steps.push(unescaped(double));
    else if (single !== undefined) steps.push(unescaped(single.replaceAll("\\'", "'").replaceAll('"', '\\"')));
    else return null;
    if (!String(steps.at(-1)).isWellFormed()) return null;
  }
  return steps;
}

export function isJsonPath(path: string): boolean {
  return parseJsonPath(path) !== null;
}

/** The value at a path; undefined where there is none, or no such path. */
export function valueAt(document: JsonValue, path: string): JsonValue | undefined {
  const steps = parseJsonPath(path);
  let value: JsonValue | undefined = steps ? document : undefined;
  for (const step of steps ?? []) {
    if (typeof step === "number") value = Array.isArray(value) ? value.at(step) : undefined;
    else value = isObject(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  }
  return value;
}

function isObject(value: JsonValue | undefined): value is { [key: string]: JsonValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What is within quotes has JSON's escapes. */
function unescaped(quoted: string): string {
  return JSON.parse(`"${quoted}"`) as string;
}
