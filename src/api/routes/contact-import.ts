import { setImmediate } from "node:timers/promises";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { JsonObject } from "../../core/json.ts";
import { nameOf } from "../../core/people.ts";
import type { Contact } from "../../core/reminder.ts";
import { lockContacts, putContacts } from "../../store/contacts.ts";
import type { TenantDatabase, TenantSql } from "../../store/tenant-database.ts";
import { isSaid } from "../contact-said.ts";
import { type BadLine, type CsvLine, readContactsCsv, toBadLine } from "../contacts-csv.ts";
import type { Api, ApiContext } from "../context.ts";
import { MadeBefore } from "../made-before.ts";
import { whoseTurn } from "../own-turn.ts";
import { conflict, Problem } from "../problem.ts";
import { answers, refusesAllBut } from "../responses.ts";
import { ContactImport, ContactsCsv } from "../schemas/contact-import.ts";

const CSV = "text/csv";
const BODY_LIMIT_BYTES = 4 * 1024 * 1024;
/** Contacts of one statement. */
const TOGETHER = 500;
const MOST_SHOWN = 1_000;

/** Contacts by the table, as other programs give them out. */
export function contactImportRoutes(api: Api, context: Pick<ApiContext, "channels">): void {
  api.register(async (part) => {
    part.removeAllContentTypeParsers();
    part.addContentTypeParser(CSV, { parseAs: "buffer", bodyLimit: BODY_LIMIT_BYTES }, (_request, body, done) => {
      try {
        done(null, new TextDecoder("utf-8", { fatal: true }).decode(body as Buffer));
      } catch {
        done(new Problem(400, "the body must be UTF-8"));
      }
    });
    // What is said of other routes, to send JSON, would be wrong here.
    part.addContentTypeParser("*", (_request, _body, done) => done(notCsv()));
    addRoutes(part.withTypeProvider<ZodTypeProvider>() as Api, context);
  });
}

function addRoutes(api: Api, { channels }: Pick<ApiContext, "channels">): void {
  const before = new MadeBefore((request) => {
    // A body that is empty has no type, and is read by nobody.
    if (typeof request.body !== "string") throw notCsv();
    return readContactsCsv(request.body, channels, whoseTurn(request));
  });

  api.post(
    "/contacts/import",
    {
      config: { access: "contacts:write" },
      bodyLimit: BODY_LIMIT_BYTES,
      schema: {
        operationId: "importContacts",
        tags: ["Contacts"],
        summary: "Say where many entities are reached",
        description:
          "From CSV (`Content-Type: text/csv`). Lines that are wrong are left out and told; all others are written in one transaction. " +
          "Sending it again changes nothing.",
        consumes: [CSV],
        querystring: z.strictObject({
          dry_run: z
            .enum(["true", "false"])
            .optional()
            .meta({ description: "`true`: only tells what would come of it.", example: "true" }),
        }),
        body: ContactsCsv,
        response: { 200: answers(ContactImport, "What became of it."), ...refusesAllBut(CSV, 400, 409, 413, 422) },
      },
      preHandler: before.preHandler,
    },
    async (request) => {
      const isDry = request.query.dry_run === "true";
      const { lines, bad: unreadable } = await before.of(request);
      const { written, unfit } = await writeAll(request.database, lines, isDry);
      const { names, ...counts } = written;
      const bad = [...unreadable, ...unfit];
      const badLines = bad.sort((a, b) => a.line - b.line).slice(0, MOST_SHOWN);
      const outcome = { ...counts, bad: bad.length, dry_run: isDry };
      request.auditDetails = { ...outcome, ...(isDry ? {} : named(names)) };
      return { ...outcome, bad_lines: badLines };
    },
  );
}

/** Somebody else has made a contact that wasn't there a moment before: what isn't there can't be locked. */
class Overtaken extends Error {
  override name = "Overtaken";
}

const MOST_TRIES = 5;
/** In one line of the audit. */
const MOST_NAMED = 500;

function named(names: readonly string[]): JsonObject {
  const more = names.length - MOST_NAMED;
  return { contacts: names.slice(0, MOST_NAMED), ...(more > 0 ? { and_more: more } : {}) };
}

/** In one transaction; begun anew where somebody came in between, so that nothing of what they said is lost. */
async function writeAll(
  database: TenantDatabase,
  lines: readonly CsvLine[],
  isDry: boolean,
): Promise<{ written: Written; unfit: BadLine[] }> {
  for (let tries = 1; ; tries += 1) {
    const unfit: BadLine[] = [];
    try {
      return { written: await database.transaction((sql) => write(sql, lines, unfit, isDry)), unfit };
    } catch (error) {
      if (!(error instanceof Overtaken)) throw error;
      if (tries === MOST_TRIES) throw conflict("others make some of these contacts at this moment: send it again");
    }
  }
}

interface Written {
  created: number;
  updated: number;
  unchanged: number;
  /** Those that were created or updated. */
  names: string[];
}

/** Writes what is new in these lines; those that don't fit what is there are added to `bad`. */
async function write(sql: TenantSql, lines: readonly CsvLine[], bad: BadLine[], isDry: boolean): Promise<Written> {
  const written: Written = { created: 0, updated: 0, unchanged: 0, names: [] };
  // By name, as whoever writes several does.
  const sorted = [...lines].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  for (let from = 0; from < sorted.length; from += TOGETHER) {
    const some = sorted.slice(from, from + TOGETHER);
    const former = new Map((await lockContacts(sql, some)).map((contact) => [nameOf(contact), contact]));
    const wishes = some.flatMap((line) => {
      const present = former.get(nameOf(line)) ?? null;
      const wish = wishOf(line, present, bad);
      if (wish === null) return [];
      if (present !== null && isSaid(wish, present)) {
        written.unchanged += 1;
        return [];
      }
      written[present === null ? "created" : "updated"] += 1;
      written.names.push(nameOf(line));
      return [wish];
    });
    if (!isDry && wishes.length > 0) {
      const put = await putContacts(sql, wishes);
      const isOvertaken = put.some(({ contact, isNew }) => !isNew && !former.has(nameOf(contact)));
      if (isOvertaken) throw new Overtaken();
    }
    await setImmediate();
  }
  return written;
}

function wishOf({ line, apply }: CsvLine, former: Contact | null, bad: BadLine[]) {
  try {
    return apply(former);
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 422) throw error;
    bad.push(toBadLine(line, error));
    return null;
  }
}

function notCsv(): Problem {
  return new Problem(415, "send the contacts as CSV, with the header Content-Type: text/csv");
}
