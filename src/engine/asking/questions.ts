import type { Logger } from "pino";
import { CannotAsk } from "../../conditions/condition.ts";
import { evaluate, isQuestion, type Question } from "../../conditions/evaluate.ts";
import type { Instant } from "../../core/instant.ts";
import type { StopCondition } from "../../core/reminder.ts";
import type { StopAnswer } from "../../core/stop.ts";
import type { StopSubject } from "../../core/stop-subject.ts";
import { AnswerCache, type Answers, type Got } from "./answers.ts";
import { Breaker } from "./breaker.ts";
import { NotNow } from "./not-now.ts";
import { askingFor, type Outside } from "./outside.ts";
import { type AskingLimits, Turnstile } from "./turnstile.ts";

export interface QuestionsOptions {
  /** Null: nobody outside can be asked. */
  outside: Outside | null;
  limits: AskingLimits;
  /** No answer after so long is none. */
  timeoutMs: number;
  log: Logger;
}

/** What a kind may take beyond its time before we go on without it. */
const ABORT_GRACE_MS = 500;

/** The worker stops: nobody is asked any more. */
export class Stopped extends Error {
  override name = "Stopped";
}

/**
 * Asks outside what stop conditions want to know: each question once at a time for a tenant, whoever wants it known, and not
 * again while its answer is fresh.
 */
export class Questions {
  readonly #options: QuestionsOptions;
  readonly #cache = new AnswerCache();
  readonly #turnstile: Turnstile;
  readonly #breaker = new Breaker();
  readonly #underWay = new Map<string, Promise<Got>>();
  readonly #stopping = new AbortController();

  constructor(options: QuestionsOptions) {
    this.#options = options;
    this.#turnstile = new Turnstile(options.limits);
  }

  /** A fresh answer that somebody got. */
  fresh(key: string, now: Instant): Got | null {
    return this.#cache.fresh(key, now);
  }

  /**
   * Asks until it can be said whether the thing is done, or that nobody can say. What is got is added to `answers`. Throws
   * `NotNow` and `Stopped`, and nothing else. `isGood`: false for what others have got that isn't to be used here.
   */
  async resolve(
    condition: StopCondition,
    subject: StopSubject,
    answers: Answers,
    isGood: (got: Got) => boolean = () => true,
  ): Promise<StopAnswer> {
    const beganAtMs = performance.now();
    const known = (key: string): StopAnswer | null => {
      const others = this.fresh(key, subject.now);
      const got = answers.get(key) ?? (others && isGood(others) ? others : null);
      if (got) answers.set(key, got);
      return got?.answer ?? null;
    };
    for (;;) {
      const outcome = evaluate(condition, subject, known);
      if (!isQuestion(outcome)) return outcome;
      answers.set(outcome.key, await this.#ask(outcome, beganAtMs));
    }
  }

  /** Asks nobody any more, and gives up what is under way. */
  stop(): void {
    this.#stopping.abort(new Stopped());
  }

  async #ask(question: Question, readAtMs: number): Promise<Got> {
    const underWay = this.#underWay.get(question.key);
    if (underWay) return await underWay;
    const asked = this.#askAlone(question, readAtMs);
    this.#underWay.set(question.key, asked);
    try {
      return await asked;
    } finally {
      this.#underWay.delete(question.key);
    }
  }

  /** `readAtMs`: when the database's instant was read by which the question is asked. */
  async #askAlone(question: Question, readAtMs: number): Promise<Got> {
    const { service, subject } = question;
    const { tenantId } = subject.reminder;
    const place = `${tenantId} ${service}`;
    return this.#turnstile.pass(tenantId, service, async () => {
      this.#stopping.signal.throwIfAborted();
      const askedAtMs = performance.now();
      const refusal = this.#breaker.refusal(place, askedAtMs);
      const answer = refusal === null ? await this.#try(question, place) : unknown(refusal);
      const tookMs = performance.now() - askedAtMs;
      if (answer.state !== "unknown") this.#breaker.answered(place);
      else if (refusal === null) this.#breaker.failed(place, answer.because, tookMs, performance.now());
      const askedAt = subject.now + Math.round(askedAtMs - readAtMs);
      const gotAt = answer.gotAt ?? askedAt + Math.round(tookMs);
      const got = { answer: { ...answer, gotAt }, askedAtMs, askedAt };
      this.#cache.keep(question.key, got);
      return got;
    });
  }

  async #try(question: Question, place: string): Promise<StopAnswer> {
    try {
      return await this.#answer(question);
    } catch (error) {
      this.#breaker.untried(place, performance.now());
      throw error;
    }
  }

  async #answer({ kind, condition, subject, service }: Question): Promise<StopAnswer> {
    const { outside, timeoutMs, log } = this.#options;
    const tooLate = `${service} did not answer within ${timeoutMs / 1000} s`;
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = AbortSignal.any([timeout, this.#stopping.signal]);
    try {
      const asking = askingFor(outside, subject.reminder.tenantId, signal);
      const answer = Promise.resolve(kind.answer(condition, subject, asking));
      return await Promise.race([answer, rejectedSoonAfter(signal)]);
    } catch (error) {
      if (this.#stopping.signal.aborted) throw new Stopped();
      if (error instanceof NotNow) throw error;
      if (timeout.aborted) return unknown(tooLate);
      if (error instanceof CannotAsk) return unknown(error.message);
      // Whatever it says isn't meant for whoever made the reminder.
      log.error({ err: error, type: kind.name, reminder: subject.reminder.id }, "a stop condition can't be asked");
      return unknown(`${service} can't be asked, for an unexpected reason that is in the worker's log`);
    }
  }
}

function unknown(because: string): StopAnswer {
  return { state: "unknown", because, gotAt: null, freshForMs: 0 };
}

/** Rejects when the signal has fired and whoever should have heeded it had its time to. */
function rejectedSoonAfter(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const giveUp = (): void => void setTimeout(() => reject(signal.reason as Error), ABORT_GRACE_MS).unref();
    if (signal.aborted) giveUp();
    else signal.addEventListener("abort", giveUp, { once: true });
  });
}
