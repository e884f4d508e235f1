import { hash } from "node:crypto";
import { JSON_TYPE, type Operation } from "./document.ts";
import { Memory, objectsIn } from "./known.ts";
import type { Oracle } from "./oracle.ts";
import type { Outsiders } from "./outsiders.ts";
import type { Known, Request, Step } from "./steps.ts";
import type { Told } from "./told.ts";
import { NoAnswer, type Wire, type WireAnswer, type WireRequest } from "./wire.ts";

/** Somebody who may ask. */
export interface Actor {
  name: string;
  tenant: string;
  /** What says who it is. */
  headers: Record<string, string>;
}

/** Something that the service promises and didn't keep. */
export interface Finding {
  complaint: string;
  /** Names the kind of finding: the same again is only counted. */
  signature: string;
  request: string;
  answer: string;
}

export interface Played {
  step: Step;
  operation: string;
  status: number;
  ms: number;
}

/** The names in a path that say together which thing is meant. */
export interface Way {
  names: readonly string[];
  /** Whether they are numbers: a delivery's id is no reminder's. */
  integers: boolean;
}

/** What all sequences share: the service, and what others have made there. */
export interface Stage {
  wire: Wire;
  oracle: Oracle;
  operations: ReadonlyMap<string, Operation>;
  /** By what things are known in paths. */
  ways: readonly Way[];
  actors: readonly Actor[];
  /** Of the other sequences' things. */
  common: Memory;
  /** Whose reminder each id is, and what was answered under each idempotency key. */
  owners: Map<number, string>;
  answered: Map<string, string>;
  /** Who tells things from outside; null: nobody. */
  outsiders: Outsiders | null;
  /** Makes names of this campaign's own. */
  label: string;
}

const MOST_REMEMBERED = 60;
const LONGEST_SHOWN = 600;
/** What nobody is told of somebody else's: refused like something that isn't there, or before that is looked at. */
const SAYS_NOTHING = new Set([400, 401, 403, 404, 405, 413, 415, 417, 422, 429, 431]);

/** Plays a sequence against the service, step by step, and tells `heard` of each answer. Returns what was not as promised. */
export async function play(
  stage: Stage,
  sequence: readonly Step[],
  heard: (played: Played) => void = () => {},
): Promise<Finding[]> {
  const own = new Memory(MOST_REMEMBERED);
  const findings: Finding[] = [];
  const lead = sequence.find((step) => step.kind === "request")?.actor ?? 0;
  for (const step of sequence) {
    const beganAt = performance.now();
    const note = (operation: string, status: number) =>
      heard({ step, operation, status, ms: performance.now() - beganAt });
    if (step.kind === "raw") {
      findings.push(...(await playBytes(stage, step.bytes)));
      note("bytes", 0);
      continue;
    }
    if (step.kind === "told") {
      const { status, findings: met } = await playTold(stage, step, own);
      findings.push(...met);
      note(`told by ${step.by}`, status);
      continue;
    }
    // Mostly one and the same, who uses what he has made; now and then somebody else comes by.
    const who = step.actor % 4 === 0 ? step.actor : lead;
    const actor = stage.actors[who % stage.actors.length] as Actor;
    const request = toWire(stage, step, actor, own);
    const show = (complaint: string, answer: string): Finding => ({
      complaint,
      signature: `${step.operation}: ${complaint.replaceAll(/\d{4,}/g, "…")}`,
      request:
        `${actor.name}: ${request.method} ${request.target} ${JSON.stringify(request.headers)} ${request.body ?? ""}`.slice(
          0,
          LONGEST_SHOWN,
        ),
      answer: answer.slice(0, LONGEST_SHOWN),
    });
    try {
      const answer = await stage.wire.send(request);
      const shown = `${answer.status} ${answer.text}`;
      const complaints = [
        ...stage.oracle.complaints(request, answer),
        ...memoryComplaints(stage, actor, request, answer),
      ];
      for (const complaint of complaints) findings.push(show(complaint, shown));
      learn(stage, actor, request, answer, own);
      note(step.operation, answer.status);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      findings.push(show(`no answer: ${error.message}`, ""));
      note(step.operation, 0);
    }
  }
  return findings;
}

/** Nobody's. */
const NO_DELIVERY = "1-1736947800000-0";

async function playTold(
  { outsiders, common, wire, oracle }: Stage,
  step: Told,
  own: Memory,
): Promise<{ status: number; findings: Finding[] }> {
  if (outsiders === null) throw new Error("nobody is there to tell it");
  const known = { at: step.about };
  const { deliveries } = outsiders;
  const isFirst = step.about % 2 === 0 && deliveries.length > 0;
  const [delivery = NO_DELIVERY] = isFirst
    ? [deliveries[(step.about / 2) % deliveries.length] as string]
    : (own.recall("delivery", known) ?? common.recall("delivery", known) ?? []);
  const request = outsiders.request(step, delivery);
  const show = (complaint: string, answer: string): Finding => ({
    complaint,
    signature: `told by ${step.by}: ${complaint.replaceAll(/\d{4,}/g, "…")}`,
    request: `${request.target} ${JSON.stringify(request.body?.toString("latin1"))}`.slice(0, 4 * LONGEST_SHOWN),
    answer: answer.slice(0, LONGEST_SHOWN),
  });
  try {
    const answer = await wire.send(request);
    const complaints = oracle.complaints(request, answer);
    return { status: answer.status, findings: complaints.map((one) => show(one, `${answer.status} ${answer.text}`)) };
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    return { status: 0, findings: [show(`no answer: ${error.message}`, "")] };
  }
}

async function playBytes({ wire, oracle }: Stage, bytes: string): Promise<Finding[]> {
  const show = (complaint: string, answer: string): Finding => ({
    complaint,
    signature: `bytes: ${complaint}: ${bytes.slice(0, 60)}`,
    request: JSON.stringify(bytes),
    answer: answer.slice(0, LONGEST_SHOWN),
  });
  try {
    const text = await wire.sendBytes(bytes);
    return oracle.bytesComplaints(text).map((complaint) => show(complaint, text));
  } catch (error) {
    if (error instanceof NoAnswer) return [show(error.message, "")];
    throw error;
  }
}

const kindOf = (names: readonly string[]): string => `thing:${names.join(",")}`;

/** The request that a step comes to, with what is known by now. */
function toWire(stage: Stage, step: Request, actor: Actor, own: Memory): WireRequest {
  const operation = stage.operations.get(step.operation) as Operation;
  const recall = (kind: string, known: Known): string[] | undefined =>
    // Mostly one's own; now and then what others have made, or unmade, meanwhile.
    (known.at % 5 === 4 ? undefined : own.recall(kind, known)) ??
    stage.common.recall(kind, known) ??
    own.recall(kind, known);

  const { names } = operation;
  const parts =
    "parts" in step.which
      ? step.which.parts
      : (recall(kindOf(names), step.which) ?? names.map(() => "1")).map(encodeURIComponent);
  const path = names.reduce(
    (template, name, index) => template.replace(`{${name}}`, () => parts[index] ?? ""),
    operation.template,
  );

  const { ifMatch, ifNoneMatch, idempotencyKey, cursor } = step.learned;
  const query = [...step.query];
  const [position] = (cursor && recall(`cursor:${operation.template}`, cursor)) ?? [];
  if (position) query.push(`cursor=${encodeURIComponent(position)}`);

  const headers: Record<string, string> = { ...actor.headers };
  if (step.body !== null) headers["content-type"] = operation.body?.mediaType ?? JSON_TYPE;
  const tag = (known: Known) => recall(`etag:${path}`, known)?.[0] ?? '"unknown"';
  if (ifMatch) headers["if-match"] = tag(ifMatch);
  if (ifNoneMatch) headers["if-none-match"] = operation.method === "PUT" ? "*" : tag(ifNoneMatch);
  if (idempotencyKey) headers["idempotency-key"] = recall("key", idempotencyKey)?.[0] ?? newKey(stage, own);
  return {
    method: step.method ?? operation.method,
    target: query.length > 0 ? `${path}?${query.join("&")}` : path,
    headers: { ...headers, ...step.headers },
    body: step.body === null ? null : Buffer.from(step.body, "latin1"),
  };
}

let keys = 0;

function newKey({ label }: Stage, own: Memory): string {
  keys += 1;
  const key = `${label}-${keys}`;
  own.learn("key", [key]);
  return key;
}

/** Promises that hold from one answer to another. */
function memoryComplaints(stage: Stage, actor: Actor, request: WireRequest, answer: WireAnswer): string[] {
  const found: string[] = [];
  const key = request.headers["idempotency-key"];
  if (key !== undefined && answer.headers["idempotency-replayed"] !== undefined) {
    const before = stage.answered.get(`${actor.tenant} ${key}`);
    if (before !== undefined && before !== essence(answer))
      found.push("what is replayed isn't what was answered at first");
  }
  for (const thing of objectsIn(answer.json)) {
    const owner = ownerOf(stage, thing);
    if (owner !== undefined && owner !== actor.tenant) found.push("it shows what belongs to another tenant");
  }
  const id = Number(/^\/reminders\/(\d+)(?:[/?]|$)/.exec(request.target)?.[1]);
  const owner = stage.owners.get(id);
  // What OPTIONS tells is about the address, whether or not there is anything.
  if (
    request.method !== "OPTIONS" &&
    owner !== undefined &&
    owner !== actor.tenant &&
    !SAYS_NOTHING.has(answer.status)
  ) {
    found.push(`${answer.status} to a request about another tenant's reminder`);
  }
  return found;
}

/** Short, since millions of them are remembered. */
const essence = ({ status, text }: WireAnswer): string => hash("sha256", `${status} ${text}`, "base64");

/** Made-up ones have the id 0, whoever asked for them. */
function isReminder(thing: Record<string, unknown>): thing is { id: number } {
  return typeof thing.id === "number" && thing.id !== 0 && "entity_type" in thing;
}

function ownerOf({ owners }: Stage, thing: Record<string, unknown>): string | undefined {
  return isReminder(thing) ? owners.get(thing.id) : undefined;
}

/** What stands in a path for the names of its template. */
function partsOf({ template, names }: Operation, path: string): string[] {
  const parts = path.split("/");
  const places = new Map(template.split("/").map((part, place) => [part, place]));
  return names.map((name) => decodeURIComponent(parts[places.get(`{${name}}`) ?? -1] ?? ""));
}

/** Remembers what an answer shows, so that later requests can be about it. */
function learn(stage: Stage, actor: Actor, request: WireRequest, answer: WireAnswer, own: Memory): void {
  const { headers, status, json } = answer;
  const both = (kind: string, thing: string[]): void => {
    own.learn(kind, thing);
    stage.common.learn(kind, thing);
  };
  const key = request.headers["idempotency-key"];
  if (key !== undefined && status < 300) {
    const name = `${actor.tenant} ${key}`;
    if (!stage.answered.has(name)) stage.answered.set(name, essence(answer));
  }
  if (headers.etag) both(`etag:${request.target.split("?", 1)[0]}`, [headers.etag]);
  const cursor = /[?&]cursor=([^&>]+)/.exec(headers.link ?? "")?.[1];
  const operation = stage.oracle.operationAt(request.method, request.target);
  if (cursor && operation) both(`cursor:${operation.template}`, [decodeURIComponent(cursor)]);
  if (status >= 400) return;
  const made = headers.location && stage.oracle.operationAt("GET", headers.location);
  if (made && made.names.length > 0) both(kindOf(made.names), partsOf(made, headers.location as string));
  for (const thing of objectsIn(json)) {
    if (typeof thing.id === "string" && /^\d+-\d+-\d+$/.test(thing.id)) both("delivery", [thing.id]);
    if (isReminder(thing) && !stage.owners.has(thing.id)) stage.owners.set(thing.id, actor.tenant);
    for (const { names, integers } of stage.ways) {
      if (!names.every((name) => name in thing && (!integers || typeof thing[name] === "number"))) continue;
      const values = names.map((name) => String(thing[name]));
      both(kindOf(names), values);
    }
  }
}
