import { dateAlone, findDates } from "./reply-dates.ts";
import { namedDay, spanOf } from "./until.ts";

/** What somebody answers who replies to a message in words. Days are named like `2026-01-31`. */
export type Reply =
  | { kind: "done" }
  /** `wanted`: a span like `2d`, or a day; see `silentUntil`. */
  | { kind: "snooze"; wanted: string }
  | { kind: "promise"; wanted: string }
  | { kind: "not_me" }
  | { kind: "stop" }
  /** Nobody has read it: a program answers. Null: it doesn't say until when. */
  | { kind: "out_of_office"; until: string | null };

/** A mail, as far as it matters. */
export interface ReplyMail {
  subject: string;
  /** Its plain text. */
  text: string;
  /** The header `Auto-Submitted` (RFC 3834); null: there is none. */
  autoSubmitted?: string | null;
}

/** More is no answer in words; what comes behind is not looked at. */
const MOST_CHARACTERS = 20_000;
/** Each takes its time, however short it is. */
const MOST_LINES = 2_000;
const LONGEST_ANSWER = 60;
const LONGEST_LINE = 400;

// Each in English, German, French and Spanish, without accents. The whole line, so that "not done yet" is no "done".
const DONE =
  /^(it is |it's |its |all |ist |est |c'est |esta |ya esta )?(done|finished|completed?|erledigt|fertig|gemacht|fait|termine|hecho|listo|terminado|✅|✔)$/;
const NOT_ME =
  /^((this |that |it )?(is ?n'?t|is not) (me|mine)|not (me|mine)|wrong person|nicht ich|nicht (mein|zustandig)|ich bin nicht zustandig|falsche person|pas moi|ce n'est pas (moi|pour moi)|no soy yo|no me corresponde|no es para mi)$/;
const STOP =
  /^(stop|stop these|unsubscribe|stopp|abbestellen|abmelden|arret|arreter|desabonner|me desabonner|parar|baja|cancelar suscripcion)$/;
const LATER =
  /^(snooze|later|remind me( again)?( later)?|spater|verschieben|plus tard|reporter|mas tarde|posponer|aplazar)\b[ :,]*(.*)$/;
const PROMISE =
  /^(i'?ll do it|i will do it|will do( it)?|ich (mache|erledige) es|mache ich|je le (ferai|fais)|je m'en occupe|lo (hare|hago))\b[ :,]*(.*)$/;
const BY =
  /^(by|until|till|on|bis( zum| am)?|am|d'ici( au| le)?|jusqu'au|avant( le)?|le|hasta( el)?|para( el)?|antes del|el)\b[ :]*/;
const IN = /^(for|in|um|fur|dans|de|pour|por|en|dentro de)\b */;

/**
 * What a reply says; null where it says nothing that we know. Only its first line of its own counts: not what is quoted, not the
 * signature. `today` is the day on which it came, by the clocks of whoever wrote it. Pure, and linear in the text's length.
 */
export function readReply({ subject, text, autoSubmitted = null }: ReplyMail, today: number): Reply | null {
  const own = ownLines(text).map(plain);
  if (isAutomatic(subject, autoSubmitted))
    return { kind: "out_of_office", until: awayUntil(subject, own.join("\n"), today) };
  const [first] = own.map(withoutCourtesy).filter((line) => line !== "");
  if (first === undefined || first.length > LONGEST_ANSWER) return null;
  if (DONE.test(first)) return { kind: "done" };
  if (NOT_ME.test(first)) return { kind: "not_me" };
  if (STOP.test(first)) return { kind: "stop" };
  const later = LATER.exec(first);
  if (later) {
    const wanted = whenOf(later.at(-1) ?? "", today, "1d");
    return wanted === null ? null : { kind: "snooze", wanted };
  }
  const promise = PROMISE.exec(first);
  const wanted = promise && whenOf(promise.at(-1) ?? "", today, null);
  return wanted ? { kind: "promise", wanted } : null;
}

/** How programs begin a subject, before the one that they answer to; a person's begins with "Re:". */
const AUTOMATIC =
  /^(auto(matic)?[ -]?(reply|response)|automatische (antwort|abwesenheit)|out of (the )?office|abwesenheits|abwesend:|reponse automatique|respuesta automatica|fuera de (la )?oficina)/;

function isAutomatic(subject: string, autoSubmitted: string | null): boolean {
  const said = autoSubmitted?.trim().toLowerCase() ?? "no";
  return said.startsWith("auto-") || AUTOMATIC.test(plain(subject.slice(0, 200)));
}

const ABSENT =
  /\b(out of (the )?office|away|vacation|holiday|on leave|(i am|i'm|be|will) back|return|abwesen|urlaub|nicht im (buro|haus)|zuruck|absen|conge|de retour|vacances|fuera de|ausente|vacaciones|vuelvo|regreso)/;
/** What stands before the day on which somebody comes back. */
const BACK =
  /\b(until|till|through|back|returning|return|bis|zuruck|wieder|jusqu'au|retour|hasta|vuelvo|regreso|vuelta)\b/g;
const NEAR = 40;
/** Longer than that nobody is away without a person having to see to it. */
const LONGEST_ABSENCE_DAYS = 60;

/**
 * The last of the days until which it says that somebody is away; null where it says none. What a ticket system says of its work is
 * none, nor is what stands in our own subject, which it repeats.
 */
function awayUntil(subject: string, text: string, today: number): string | null {
  if (!ABSENT.test(`${plain(subject)}\n${text}`)) return null;
  const near = [...text.matchAll(BACK)].map(({ index }) => text.slice(index, index + NEAR).replaceAll("\n", " "));
  const days = near.flatMap((words) => findDates(words, today)).filter((day) => isSoon(day, today));
  return days.sort().at(-1) ?? null;
}

function isSoon(name: string, today: number): boolean {
  const day = namedDay(name);
  return day !== null && day > today && day <= today + LONGEST_ABSENCE_DAYS;
}

/** `2d`, `2 days`, `for a week`, `until friday`, `2026-01-31`; empty is `otherwise`; null for what can't be read. */
function whenOf(text: string, today: number, otherwise: string | null): string | null {
  const said = text.trim();
  if (said === "") return otherwise;
  const span = spanIn(said.replace(IN, ""));
  if (span !== null) return span;
  return dateAlone(said.replace(BY, ""), today);
}

const UNITS: readonly (readonly [RegExp, string])[] = [
  [/^(m|min|mins|minutes?|minuten?|minutos?)$/, "m"],
  [/^(h|hours?|stunden?|heures?|horas?)$/, "h"],
  [/^(d|days?|tage?n?|jours?|dias?)$/, "d"],
  [/^(w|weeks?|wochen?|semaines?|semanas?)$/, "w"],
];
const ONE = /^(an?|one|einen?|eine[rs]?|une?|un[oa]?)$/;

function spanIn(text: string): string | null {
  const [, count = "", unit = ""] = /^(\d{1,4}|[a-z]{1,6}) ?([a-z]{1,8})$/.exec(text) ?? [];
  const number = ONE.test(count) ? "1" : count;
  const letter = UNITS.find(([words]) => words.test(unit))?.[1];
  const span = `${number}${letter ?? "?"}`;
  return spanOf(span) === null ? null : span;
}

/** Where what somebody else wrote begins. */
const QUOTE_BEGINS =
  /^(on\b.{0,200}\bwrote:?$|am\b.{0,200}\bschrieb\b.{0,100}:?$|le\b.{0,200}\ba ecrit\s*:?$|el\b.{0,200}\bescribio\s*:?$|-{2,} ?(original message|ursprungliche nachricht|message d'origine|mensaje original)|_{10,}$|(from|von|de) ?: .{0,200}@)/;

/** What somebody has written themselves, for a person to read. */
export function ownWords(text: string): string {
  return ownLines(text).join("\n").trim();
}

function ownLines(text: string): string[] {
  const own: string[] = [];
  const lines = text.slice(0, MOST_CHARACTERS).split(/\r?\n/, MOST_LINES);
  for (const [at, raw] of lines.entries()) {
    const line = raw.slice(0, LONGEST_LINE);
    // Some programs break the line that says who wrote what follows.
    const broken = [line, `${line} ${lines[at + 1] ?? ""}`].map((one) => plain(one.slice(0, LONGEST_LINE)));
    if (raw.startsWith("-- ") || raw === "--" || broken.some((one) => QUOTE_BEGINS.test(one))) break;
    if (!line.trimStart().startsWith(">")) own.push(line);
  }
  return own;
}

const COURTESY = /[\s,;:.!]+(thanks?( you)?|thx|danke|merci|gracias|please|bitte|s'il vous plait|por favor)[\s.!]*$/;
const GREETING =
  /^(hi|hello|hey|dear|hallo|guten (tag|morgen)|liebe[rs]?|bonjour|salut|hola|buenos dias)\b[^,!]{0,40}[,!]? *$/;

function withoutCourtesy(line: string): string {
  if (GREETING.test(line)) return "";
  return line.replace(COURTESY, "").replace(/[\s.!,;:]+$/, "");
}

/** Small letters without accents, single spaces, plain apostrophes. */
function plain(text: string): string {
  return text
    .normalize("NFD")
    .replace(/\p{Mn}+/gu, "")
    .toLowerCase()
    .replace(/[\u2018\u2019\u02bc`]/g, "'")
    .replace(/[ \t\u00a0\u202f]+/g, " ")
    .trim();
}
