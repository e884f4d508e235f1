import type { Cage } from "./cage/cage.ts";
import { Killed } from "./cage/caged-thread.ts";
import type { CagedText, Result } from "./cage/job.ts";
import { type Renderable, styleOf, templateContext } from "./context.ts";
import { BrokenTemplate, isTemplate } from "./liquid.ts";
import { renderMessage } from "./render.ts";
import { ANY, nameOf, type StoredTemplate, type WantedTemplate } from "./template.ts";
import { NO_WORDS, type Rendered, writeMessage } from "./write.ts";

/** Finds the template that is stored for this, or null. */
export type FindTemplate = (
  tenant: string,
  wanted: WantedTemplate,
) => StoredTemplate | null | Promise<StoredTemplate | null>;

export interface Written extends Rendered {
  /** Why it isn't in the words that somebody wrote for it: a sentence; null: it is. */
  instead: string | null;
}

/**
 * Writes messages: in the words of a stored template, of the reminder itself, or the built-in ones. What users wrote is filled in
 * by the cage; what they didn't is written here, at once.
 */
export class Writer {
  readonly #cage: Cage;
  readonly #find: FindTemplate;

  constructor(cage: Cage, find: FindTemplate) {
    this.#cage = cage;
    this.#find = find;
  }

  /**
   * Null where there is nothing to fill in: a channel that says it in words writes it by itself (see `renderMessage`), and others
   * needn't, which is most of what a message costs. Throws `BrokenTemplate` where the template that can't be filled in says that
   * nothing is to be sent then.
   */
  async write(tenant: string, channel: string, message: Renderable): Promise<Written | null> {
    if (isTold(message)) return null;
    const { eventType } = message.reminder;
    const named = nameBy(message);
    const found = this.#find(tenant, { named, eventType, channel, locale: styleOf(message).locale });
    const template = found instanceof Promise ? await found : found;
    return isPlain(message, useOf(template, message)) ? null : this.writeIn(tenant, template, message);
  }

  /** The same, in the words of this template, whether there is anything to fill in or not. */
  async writeIn(tenant: string, template: StoredTemplate | null, message: Renderable): Promise<Written> {
    const used = useOf(template, message);
    if (isPlain(message, used)) return { ...renderMessage(message), instead: null };
    try {
      return { ...(await this.#fill(tenant, used, message)), instead: null };
    } catch (error) {
      if (!(error instanceof BrokenTemplate)) throw error;
      if (used?.onFailure === "fail") throw error;
      return { ...writeMessage(message, NO_WORDS), instead: `in the built-in words, because ${error.message}` };
    }
  }

  async #fill(tenant: string, template: StoredTemplate | null, message: Renderable): Promise<Rendered> {
    const { message: ownMessage } = message.reminder;
    // What a named template says nothing of is nothing to it, broken or not.
    const framed = template === null || template.framesOwn ? ownMessage : null;
    const own = textsOf({ subject: ownSubject(message, template, framed), message: framed }, true);
    const given = template ? textsOf({ "the subject": template.subject, "the text": template.text }, false) : [];
    const page = template?.html ? [{ name: "the html", text: template.html, html: true }] : [];
    const result = await this.#run(tenant, template, {
      kind: "fill",
      texts: [...own, ...given, ...page],
      scope: templateContext(message),
      style: styleOf(message),
      strict: template?.missing === "error",
    });
    const { filled } = result;
    const subjects = [filled.subject, filled["the subject"]];
    if (isNamed(template, message)) subjects.reverse();
    return writeMessage(message, {
      subject: subjects.find((subject) => subject?.trim()) ?? "",
      body: (template ? filled["the text"] : filled.message) ?? "",
      html: filled["the html"] ?? null,
    });
  }

  async #run(
    tenant: string,
    template: StoredTemplate | null,
    job: Parameters<Cage["run"]>[1],
  ): Promise<Extract<Result, { kind: "filled" }>> {
    const whose = template ? nameOf(template) : "the reminder's own template";
    try {
      const result = await this.#cage.run(tenant, job);
      if (result.kind === "filled") return result;
      throw new BrokenTemplate(
        result.kind === "broken" ? `${placeOf(result.name, template)} is broken: ${result.flaw}` : "",
      );
    } catch (error) {
      if (error instanceof Killed) throw new BrokenTemplate(`${whose} ${error.message}`);
      throw error;
    }
  }
}

/**
 * What somebody wrote for this one reminder comes before what is written for all of them, unless that gives it a frame, or the
 * step of its policy has named it: then these are to be other words than before.
 */
function useOf(template: StoredTemplate | null, message: Renderable): StoredTemplate | null {
  const isUsed = message.reminder.message === null || template?.framesOwn || isNamed(template, message);
  return isUsed ? template : null;
}

/** True for a template of the name that the step of its policy says. */
function isNamed(template: StoredTemplate | null, message: Renderable): boolean {
  return template !== null && template.eventType === nameBy(message);
}

/** The name that the step of its policy says; the sign for any event type is none. */
function nameBy({ addressed }: Pick<Renderable, "addressed">): string | null {
  const name = addressed?.template ?? null;
  return name === ANY ? null : name;
}

/** True where it tells that it is done: in words of its own. */
function isTold({ addressed }: Renderable): boolean {
  return addressed?.tells === true;
}

function isPlain(message: Renderable, used: StoredTemplate | null): boolean {
  const { reminder } = message;
  if (isTold(message)) return true;
  return used === null && !isTemplate(reminder.subject ?? "") && !isTemplate(reminder.message ?? "");
}

/** The reminder's own subject, as far as it may be wanted; `framed`: its own message, where that is. */
function ownSubject(message: Renderable, template: StoredTemplate | null, framed: string | null): string | null {
  const { subject } = message.reminder;
  if (subject === null || template === null || template.subject === null) return subject;
  const mayBeBroken = isTemplate(subject) && isNamed(template, message);
  const isSpokenOf = [template.subject, template.text, template.html, framed].some((text) =>
    /\bsubject\b/.test(text ?? ""),
  );
  return mayBeBroken && !isSpokenOf ? null : subject;
}

function textsOf(texts: Record<string, string | null>, isOwn: boolean): CagedText[] {
  return Object.entries(texts).flatMap(([name, text]) => (text === null ? [] : [{ name, text, html: false, isOwn }]));
}

function placeOf(name: string, template: StoredTemplate | null): string {
  return template && name.startsWith("the ") ? `${name} of ${nameOf(template)}` : `the reminder's ${name}`;
}
