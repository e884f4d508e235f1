import type { Cage } from "./cage/cage.ts";
import { Killed } from "./cage/caged-thread.ts";
import type { CagedText, Result } from "./cage/job.ts";
import { type Renderable, styleOf, templateContext } from "./context.ts";
import { BrokenTemplate, isTemplate } from "./liquid.ts";
import { nameOf, type StoredTemplate, type TemplateKey } from "./template.ts";
import { NO_WORDS, type Rendered, writeMessage } from "./write.ts";

/** Finds the template that is stored for this, or null. */
export type FindTemplate = (
  tenant: string,
  wanted: TemplateKey,
) => StoredTemplate | null | Promise<StoredTemplate | null>;

export interface Written extends Rendered {
  /** Why it isn't in the words that somebody wrote for it: a sentence; null: it is. */
  instead: string | null;
}

/** Written when a channel first reads it: one that says it in its own way doesn't, and it is most of what a message costs. */
class WhenRead implements Written {
  readonly instead = null;
  readonly #write: () => Rendered;
  #written: Rendered | null = null;

  constructor(write: () => Rendered) {
    this.#write = write;
  }

  get subject(): string {
    return this.#all().subject;
  }

  get body(): string {
    return this.#all().body;
  }

  get text(): string {
    return this.#all().text;
  }

  get html(): string {
    return this.#all().html;
  }

  get answers(): Rendered["answers"] {
    return this.#all().answers;
  }

  #all(): Rendered {
    this.#written ??= this.#write();
    return this.#written;
  }
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

  /** Throws `BrokenTemplate` where the template that can't be filled in says that nothing is to be sent then. */
  async write(tenant: string, channel: string, message: Renderable): Promise<Written> {
    const { eventType } = message.reminder;
    const found = this.#find(tenant, { eventType, channel, locale: styleOf(message).locale });
    return this.writeIn(tenant, found instanceof Promise ? await found : found, message);
  }

  /** The same, in the words of this template. */
  async writeIn(tenant: string, template: StoredTemplate | null, message: Renderable): Promise<Written> {
    const { subject, message: body } = message.reminder;
    // What somebody wrote for this one reminder comes before what is written for all of them, unless that gives it a frame.
    const used = template && (body === null || template.framesOwn) ? template : null;
    const isPlain = !isTemplate(subject ?? "") && !isTemplate(body ?? "");
    if (used === null && isPlain) {
      return new WhenRead(() => writeMessage(message, { subject: subject ?? "", body: body ?? "" }));
    }
    try {
      return { ...(await this.#fill(tenant, used, message)), instead: null };
    } catch (error) {
      if (!(error instanceof BrokenTemplate)) throw error;
      if (used?.onFailure === "fail") throw error;
      return { ...writeMessage(message, NO_WORDS), instead: `in the built-in words, because ${error.message}` };
    }
  }

  async #fill(tenant: string, template: StoredTemplate | null, message: Renderable): Promise<Rendered> {
    const own = textsOf({ subject: message.reminder.subject, message: message.reminder.message }, true);
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
    return writeMessage(message, {
      subject: filled.subject?.trim() || (filled["the subject"] ?? ""),
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

function textsOf(texts: Record<string, string | null>, isOwn: boolean): CagedText[] {
  return Object.entries(texts).flatMap(([name, text]) => (text === null ? [] : [{ name, text, html: false, isOwn }]));
}

function placeOf(name: string, template: StoredTemplate | null): string {
  return template && name.startsWith("the ") ? `${name} of ${nameOf(template)}` : `the reminder's ${name}`;
}
