import { RuleError } from "./rule-error.ts";

/** A content line of RFC 5545 §3.1: `NAME;PARAMETER=VALUE:VALUE`. Names are in capitals. */
export interface ContentLine {
  name: string;
  parameters: ReadonlyMap<string, string>;
  value: string;
}

/** Of a whole calendar only the parts with these names tell when something recurs. */
const COMPONENTS = ["VEVENT", "VTODO"];
const NAMES = ["DTSTART", "RRULE", "RDATE", "EXDATE", "EXRULE"];

/**
 * The lines that say when something recurs: of a text that is nothing but such lines (a bare `FREQ=...` is an RRULE), or of
 * the only VEVENT or VTODO of a calendar. Throws a `RuleError`.
 */
export function readRecurrence(text: string): ContentLine[] {
  const lines = unfold(text);
  const [only] = lines;
  if (lines.length === 1 && only !== undefined && /^\s*FREQ=/i.test(only)) return [readLine(`RRULE:${only.trim()}`)];
  const read = lines.map(readLine);
  const isCalendar = read.some(({ name }) => name === "BEGIN");
  const own = isCalendar ? ofOnlyComponent(read) : read;
  const stranger = isCalendar ? undefined : own.find(({ name }) => !NAMES.includes(name));
  if (stranger) throw new RuleError(`has a line ${stranger.name}; known are DTSTART, RRULE, RDATE and EXDATE`);
  return own.filter(({ name }) => NAMES.includes(name));
}

/** Long lines are broken with a blank at the start of what follows (§3.1). */
function unfold(text: string): string[] {
  return text
    .replace(/\r\n?/g, "\n")
    .replace(/\n[ \t]/g, "")
    .split("\n")
    .filter((line) => line.trim() !== "");
}

function readLine(line: string): ContentLine {
  const parts = /^([A-Za-z0-9-]+)((?:;[A-Za-z0-9-]+=(?:"[^"]*"|[^":;]*))*):(.*)$/.exec(line.trim());
  if (!parts) throw new RuleError(`has a line that can't be read: ${line.trim().slice(0, 60)}`);
  const [, name = "", rest = "", value = ""] = parts;
  const parameters = [...rest.matchAll(/;([A-Za-z0-9-]+)=(?:"([^"]*)"|([^":;]*))/g)].map(
    ([, key = "", quoted, plain]) => [key.toUpperCase(), quoted ?? plain ?? ""] as const,
  );
  return { name: name.toUpperCase(), parameters: new Map(parameters), value: value.trim() };
}

/** What stands directly in the VEVENT or VTODO, without its alarms; a calendar with several must be sent one by one. */
function ofOnlyComponent(lines: readonly ContentLine[]): ContentLine[] {
  const open: string[] = [];
  const own: ContentLine[] = [];
  let components = 0;
  for (const line of lines) {
    const component = line.value.toUpperCase();
    if (line.name === "BEGIN") {
      open.push(component);
      if (COMPONENTS.includes(component)) components += 1;
    } else if (line.name === "END") {
      if (open.pop() !== component) throw new RuleError(`ends a ${component} that it doesn't begin`);
    } else if (COMPONENTS.includes(open.at(-1) ?? "")) own.push(line);
  }
  if (open.length > 0) throw new RuleError(`doesn't end its ${open.at(-1)}`);
  if (components !== 1) throw new RuleError(`must have one VEVENT or VTODO, not ${components}`);
  return own;
}
