import type { Purpose } from "../../core/answer.ts";
import type { DoneReason } from "../../core/done-reason.ts";
import type { UseCase } from "./use-case.ts";

/** The built-in words of one language, each an ICU message. */
export interface Catalog {
  /** `event`, `about` */
  subject: string;
  /** A message that comes once. `event`, `about` */
  once: string;
  /** The same for those that repeat. */
  again: string;
  /** `name` */
  greeting: string;
  /** What is wanted of the reader; nothing where nobody can say. */
  ask: Record<UseCase, string>;
  /** What kind of thing it is, in a word or two. */
  label: Record<UseCase, string>;
  /** What stands on the button that leads to `data.url`. */
  action: Record<UseCase, string>;
  /** In place of `ask`, to those whom it was escalated to. */
  askToo: string;
  facts: {
    /** Of what takes place. */
    when: string;
    /** `from`, `to` */
    whenValue: string;
    where: string;
    due: string;
    amount: string;
    reminder: string;
    /** `number`: how often it has been due, which isn't how often something was sent; `day` */
    reminderValue: string;
    open: string;
    /** `days` */
    openValue: string;
    next: string;
    noNext: string;
    until: string;
    /** `at` */
    untilValue: string;
    promised: string;
    promisedValue: string;
  };
  /** What a reader may answer; `answer` leads to all of it, where there is room for one link. */
  answers: Record<Purpose, string>;
  /** On buttons that put it off at one press. */
  buttons: { day: string; week: string };
  /** Why it is done, a sentence each. */
  doneBecause: Record<DoneReason, string>;
  /** Of what is done, to those whom its reminders had come to as well. */
  told: {
    /** `event`, `about` */
    subject: string;
    /** `event`, `about` */
    body: string;
    /** `id` */
    footer: string;
  };
  /** Of several in one message. */
  digest: {
    /** `count` */
    subject: string;
    /** `count` */
    intro: string;
    why: string;
  };
  stops: string;
  /** `about`, `id` */
  why: string;
  /** The same for one of several. `about`, `id` */
  whyOneOf: string;
  /** The same for whoever stands in for somebody. `who`, `about`, `id` */
  whyInstead: string;
  /** The same for those to whom a policy sends it besides. `about`, `id` */
  whyToo: string;
}
