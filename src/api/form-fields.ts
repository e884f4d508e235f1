import { Busboy } from "@fastify/busboy";
import { ownTurn } from "./own-turn.ts";

/** Of a form with files only the fields are wanted, and no more of them than a mail has. */
const LIMITS = { fields: 200, fieldNameSize: 200, fieldSize: 256 * 1024, files: 100, parts: 300, headerPairs: 50 };
/** Parts may be a few bytes each: so much is read at a time, and all else goes on in between. */
const READ_BYTES = 32 * 1024;

/** The fields of a form (RFC 7578), each as text and, where it is longer than 256 kB, its beginning. Rejects what is no form. */
export async function fieldsOf(body: Buffer, contentType: string, whose: string): Promise<Record<string, string>> {
  const fields = new Map<string, string>();
  const form = new Busboy({ headers: { "content-type": contentType }, limits: LIMITS });
  let isOver = false;
  const over = new Promise<void>((resolve, reject) => {
    const end = (error?: unknown): void => {
      isOver = true;
      if (error) reject(error);
      else resolve();
    };
    form.on("field", (name, value) => {
      if (!fields.has(name)) fields.set(name, value);
    });
    form.on("file", (_name, file) => {
      file.resume();
    });
    form.on("finish", () => end());
    form.on("error", end);
    for (const limit of ["fieldsLimit", "filesLimit", "partsLimit"] as const)
      form.on(limit, () => end(new Error("it has too many parts")));
  });
  over.catch(() => {});
  for (let from = 0; from < body.length && !isOver; from += READ_BYTES) {
    await ownTurn(whose);
    form.write(body.subarray(from, from + READ_BYTES));
  }
  if (!isOver) form.end();
  await over;
  return Object.fromEntries(fields);
}
