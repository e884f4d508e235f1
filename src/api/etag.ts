import { hash } from "node:crypto";
import type { FastifyReply } from "fastify";
import { canonicalJson } from "../core/canonical-json.ts";

/**
 * The entity tag (RFC 9110 §8.8.3) of a representation: `"<edited>.<moved>"`, a hash of what people may change (a state
 * such as PAUSED included) and one of what moves by itself, which are the fields named in `moving`. The whole changes with
 * every byte of the representation that matters, so it is strong. A hash and not a version, so that what plain SQL changes
 * counts as well, within one millisecond too, and the rows that firing writes all day carry nothing for it.
 */
function etagOf(representation: object, moving: ReadonlySet<string>): string {
  const edited: [string, unknown][] = [];
  const moved: [string, unknown][] = [];
  for (const field of Object.entries(representation)) (moving.has(field[0]) ? moved : edited).push(field);
  return `"${digest(edited)}.${digest(moved)}"`;
}

/** 96 bits, of characters that may stand in a tag. */
function digest(fields: [string, unknown][]): string {
  return hash("sha256", canonicalJson(fields), "base64url").slice(0, 16);
}

/** What firing changes. A field that isn't here counts as changed by people. */
const MOVED_BY_FIRING = new Set([
  "next_run_at",
  "last_run_at",
  "occurrence_count",
  "policy_step",
  "needs_attention",
  "updated_at",
]);
const MOVED_BY_WRITING = new Set(["created_at", "updated_at"]);

/** The tag of a reminder as the API shows it. */
export function reminderEtag(reminder: object): string {
  return etagOf(reminder, MOVED_BY_FIRING);
}

/** The tag of a contact or a flag as the API shows it. */
export function recordEtag(record: object): string {
  return etagOf(record, MOVED_BY_WRITING);
}

/** Whether two tags are of states between which nobody has changed anything; the thing may have moved by itself. */
export function isSameEdit(one: string, other: string): boolean {
  return editedPart(one) === editedPart(other);
}

function editedPart(tag: string): string {
  return tag.split(".", 1)[0] as string;
}

/** An answer that carries its tag. */
export function tagged<T extends object>(reply: FastifyReply, tagOf: (json: T) => string, json: T): T {
  reply.header("etag", tagOf(json));
  return json;
}
