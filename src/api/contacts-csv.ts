import { Readable } from "node:stream";
import { CsvError, type Options, parse } from "csv-parse";
import type { z } from "zod";
import type { Channels } from "../channels/registry.ts";
import { nameOf, toContactName } from "../core/people.ts";
import type { Contact } from "../core/reminder.ts";
import type { ContactWish } from "../store/contacts.ts";
import { parseAddress, parseAddressIn } from "./channel-check.ts";
import { ownTurn } from "./own-turn.ts";
import { fieldError, invalid, invalidField, Problem } from "./problem.ts";
import { refuseItself } from "./reach.ts";
import { contactParams, PutContact } from "./schemas/contact.ts";
import { validate } from "./validation.ts";

/** One line of a file, as far as it can be told without the contacts that there are. */
export interface CsvLine {
  /** Where it begins in the file; the header is line 1. */
  line: number;
  entityType: string;
  entityId: string;
  /** What it makes of the contact that there is, or of none. */
  apply(former: Contact | null): ContactWish;
}

export interface BadLine {
  line: number;
  field: string | null;
  message: string;
}

const MUST = ["entity_type", "entity_id"] as const;
/** Columns that are fields of a contact as they stand. */
const PLAIN = ["name", "email", "phone", "time_zone", "locale"] as const;
const MANAGER = ["manager_type", "manager_id"] as const;
const ADDRESS = /^address:([a-z0-9_-]{1,50})$/;
export const MOST_LINES = 10_000;
const LINES_OF_A_TURN = 50;
const BYTES_OF_A_TURN = 16 * 1024;
/** Cells that hold nothing cost as much as others, and what is a line's end costs something too. */
const MOST_SEPARATORS = 500_000;
const MOST_BYTES_OF_A_LINE = 20_000;

/**
 * Reads contacts from CSV (RFC 4180), with the names of the columns in its first line. Columns that aren't there leave what contacts
 * have; an empty cell takes it from them. Throws a 422 for a file that can't be read as a whole; a line that is wrong keeps out itself.
 */
export async function readContactsCsv(
  text: string,
  channels: Channels,
  whose: string,
): Promise<{ lines: CsvLine[]; bad: BadLine[] }> {
  const records = await recordsOf(text, whose);
  const [header, ...rows] = records;
  if (!header) throw wrong("must have a line with the names of its columns, and a line for each contact");
  if (rows.length > MOST_LINES) throw wrong(`must have at most ${MOST_LINES} contacts: send it in parts`);
  const columns = header.cells.map((name) => name.trim().toLowerCase());
  refuseColumns(columns, channels);
  const lines: CsvLine[] = [];
  const bad: BadLine[] = [];
  const seen = new Map<string, number>();
  for (const [index, { line, cells }] of rows.entries()) {
    // Others have their turn in between.
    if (index % LINES_OF_A_TURN === 0) await ownTurn(whose);
    try {
      const read = readLine(line, columns, cells, channels);
      const earlier = seen.get(nameOf(read));
      if (earlier !== undefined) throw invalidField("entity_id", `is there already, in line ${earlier}`);
      seen.set(nameOf(read), line);
      lines.push(read);
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 422) throw error;
      bad.push(toBadLine(line, error));
    }
  }
  return { lines, bad };
}

export function toBadLine(line: number, { errors, message }: Problem): BadLine {
  const [first] = errors;
  return { line, field: first?.field || null, message: first?.message ?? message };
}

interface Entry {
  line: number;
  cells: string[];
}

const OPTIONS: Options = {
  bom: true,
  // All of them: files are put together of others, and the library would go by the first.
  record_delimiter: ["\r\n", "\n", "\r"],
  raw: true,
  skip_empty_lines: true,
  relax_column_count: true,
  max_record_size: MOST_BYTES_OF_A_LINE,
  to: MOST_LINES + 2,
};

async function recordsOf(text: string, whose: string): Promise<Entry[]> {
  await ownTurn(whose);
  refuseTooMany(text);
  try {
    // Counted here: the library takes some line breaks for two.
    let line = 1;
    const entries: Entry[] = [];
    const records: AsyncIterable<{ record: string[]; raw: string }> = Readable.from(inPieces(text, whose)).pipe(
      parse(OPTIONS),
    );
    for await (const { record: cells, raw } of records) {
      const [empty = ""] = /^[\r\n]*/.exec(raw) ?? [];
      const begins = line + breaksIn(empty);
      line = begins + breaksIn(raw.slice(empty.length));
      entries.push({ line: begins, cells });
    }
    return entries;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw wrong(whyUnreadable(error));
  }
}

/** Where a quote is out of place, nobody can say where the lines after it begin: the file is refused as a whole. */
function whyUnreadable({ code, message, lines }: CsvError & { lines?: unknown }): string {
  const where = typeof lines === "number" ? `, line ${lines}` : "";
  switch (code) {
    case "CSV_INVALID_CLOSING_QUOTE":
    case "INVALID_OPENING_QUOTE":
      return `can't be read as CSV${where}: a cell with quotes in it must be in quotes as a whole, and each quote within it be there twice`;
    case "CSV_MAX_RECORD_SIZE":
      return `can't be read as CSV${where}: a line must have at most ${MOST_BYTES_OF_A_LINE} bytes`;
    case "CSV_QUOTE_NOT_CLOSED":
      return `can't be read as CSV${where}: the quotes that begin a cell there are never closed`;
    default:
      return `can't be read as CSV: ${message.slice(0, 200)}`;
  }
}

/** As bytes, for a piece may end within a character. */
async function* inPieces(text: string, whose: string): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let from = 0; from < bytes.length; from += BYTES_OF_A_TURN) {
    await ownTurn(whose);
    yield bytes.subarray(from, from + BYTES_OF_A_TURN);
  }
}

function refuseTooMany(text: string): void {
  let separators = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 44 || code === 10 || code === 13) separators += 1;
  }
  if (separators > MOST_SEPARATORS)
    throw wrong(`must have at most ${MOST_SEPARATORS} cells and lines, empty ones included`);
}

function breaksIn(text: string): number {
  return text.match(/\r\n|\n|\r/g)?.length ?? 0;
}

function refuseColumns(columns: readonly string[], channels: Channels): void {
  const [only = "", ...others] = columns;
  const separator = others.length === 0 ? /[;\t]/.exec(only)?.[0] : undefined;
  if (separator !== undefined)
    throw wrong(`must have commas between its cells, not ${separator === ";" ? "semicolons" : "tabs"}`);
  const known = [...MUST, ...PLAIN, ...MANAGER] as readonly string[];
  for (const [place, column] of columns.entries()) {
    const [, channel] = ADDRESS.exec(column) ?? [];
    const isKnown = known.includes(column) || (channel !== undefined && channels.has(channel));
    if (!isKnown) {
      const names = `${known.join(", ")}, or address:<channel> with a channel of this installation`;
      throw wrong(`must have columns named ${names}, not ${JSON.stringify(column.slice(0, 60))}`);
    }
    if (columns.indexOf(column) !== place) throw wrong(`must have the column ${column} once`);
  }
  const missing = MUST.filter((column) => !columns.includes(column));
  if (missing.length > 0) throw wrong(`must have the columns ${missing.join(" and ")}`);
  if (columns.includes("manager_type") !== columns.includes("manager_id")) {
    throw wrong("must have both of manager_type and manager_id, or none of them");
  }
}

function readLine(line: number, columns: readonly string[], cells: readonly string[], channels: Channels): CsvLine {
  if (cells.length > columns.length) throw wrong(`has ${cells.length} cells for ${columns.length} columns`);
  const cell = (column: string): string | undefined => {
    const place = columns.indexOf(column);
    return place === -1 ? undefined : (cells[place] ?? "").trim();
  };
  const { entity_type: entityType, entity_id: entityId } = validate(
    contactParams,
    Object.fromEntries(MUST.map((column) => [column, cell(column)])),
    "body",
  );
  const said = saidBy(cell);
  const fields = inColumns(() => validate(PutContact, said, "body"));
  const email = parseAddress(channels, "email", fields.email ?? null);
  const addresses = columns.flatMap((column): [string, string | null][] => {
    const [, channel] = ADDRESS.exec(column) ?? [];
    const text = cell(column) ?? "";
    if (channel === undefined) return [];
    return [[channel, text === "" ? null : parseAddressIn(channels, channel, text, column)]];
  });
  const apply = (former: Contact | null): ContactWish => {
    const wish: ContactWish = {
      ...(former ?? NOBODY_KNOWN),
      ...{ entityType, entityId },
      ...(fields.name === undefined ? {} : { name: fields.name }),
      ...(fields.email === undefined ? {} : { email }),
      ...(fields.phone === undefined ? {} : { phone: fields.phone }),
      ...(fields.time_zone === undefined ? {} : { timeZone: fields.time_zone }),
      ...(fields.locale === undefined ? {} : { locale: fields.locale }),
      ...(fields.manager === undefined ? {} : { manager: fields.manager && toContactName(fields.manager) }),
      ...(addresses.length === 0 ? {} : { addresses: merged(former?.addresses ?? null, addresses) }),
    };
    inColumns(() => refuseItself(wish, wish));
    return wish;
  };
  // What doesn't depend on what there is shows at once.
  apply(null);
  return { line, entityType, entityId, apply };
}

/** Fields of a contact that are columns of another name. */
const COLUMN_OF: Readonly<Record<string, string>> = {
  "manager.entity_type": "manager_type",
  "manager.entity_id": "manager_id",
  manager: "manager_id",
};

/** Does this; what it refuses, it names as the table does. */
function inColumns<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 422) throw error;
    throw invalid(error.errors.map(({ field, message }) => fieldError("body", [COLUMN_OF[field] ?? field], message)));
  }
}

/** As `PutContact` has it: what isn't there says nothing, what is empty says that it is unknown. */
function saidBy(cell: (column: string) => string | undefined): z.input<typeof PutContact> {
  const plain = PLAIN.flatMap((column): [string, string | null][] => {
    const text = cell(column);
    return text === undefined ? [] : [[column, text === "" ? null : text]];
  });
  const [type, id] = MANAGER.map(cell);
  if (type === undefined || id === undefined) return Object.fromEntries(plain);
  const manager = type === "" && id === "" ? null : { entity_type: type, entity_id: id };
  return { ...Object.fromEntries(plain), manager };
}

function merged(
  former: Contact["addresses"],
  given: readonly (readonly [string, string | null])[],
): Contact["addresses"] {
  const all = new Map<string, string | null>([...Object.entries(former ?? {}), ...given]);
  const kept = [...all].filter((pair): pair is [string, string] => pair[1] !== null);
  return kept.length === 0 ? null : Object.fromEntries(kept);
}

const NOBODY_KNOWN: Omit<ContactWish, "entityType" | "entityId"> = {
  ...{ name: null, email: null, timeZone: null, locale: null, quietHours: null, phone: null, addresses: null },
  ...{ preferences: null, manager: null, delegate: null, delegateUntil: null },
};

/** About the file, or the line, as a whole. */
function wrong(message: string): Problem {
  return invalid([fieldError("body", [], message)]);
}
