// @ts-check
// One thread of the cage: fills templates in, one job at a time, and ends when it is told to or takes too much.
import { parentPort } from "node:worker_threads";
import { BrokenTemplate, checkTemplate, fillIn, namesIn } from "./engine.mjs";

/** @typedef {import("./job.ts").Job} Job */
/** @typedef {import("./job.ts").Result} Result */

/** @param {Job} job @returns {Result} */
function work(job) {
  return job.kind === "check" ? check(job) : fill(job);
}

/** @param {Extract<Job, { kind: "check" }>} job @returns {Result} */
function check({ texts }) {
  const flaws = texts.flatMap(({ name, text, html }) => {
    const flaw = checkTemplate(text, { html });
    return flaw === null ? [] : [{ name, flaw }];
  });
  const names = flaws.length > 0 ? [] : texts.flatMap(({ text }) => namesIn(text));
  return { kind: "checked", flaws, names: [...new Set(names)] };
}

/** What is filled in can be spoken of by what follows, under its name. @param {Extract<Job, { kind: "fill" }>} job @returns {Result} */
function fill({ texts, scope, style, strict }) {
  /** @type {Record<string, string>} */
  const filled = {};
  for (const { name, text, html, isOwn } of texts) {
    try {
      filled[name] = fillIn(text, scope, style, { html, strict: strict && !isOwn });
    } catch (error) {
      if (error instanceof BrokenTemplate) return { kind: "broken", name, flaw: error.message };
      throw error;
    }
    if (isOwn) scope[name] = filled[name].trim();
  }
  return { kind: "filled", filled };
}

// What is slow the first time is done before anybody waits for it.
fillIn(
  "{{ a | date_time }}{% for i in (1..3) %}{{ i | plural: one: 'x', other: 'y' }}{% endfor %}",
  { a: "2025-01-15T14:30:00Z" },
  { timeZone: "UTC", locale: "en" },
);
fillIn("<p>{{ a }}</p>", { a: "b" }, { timeZone: "UTC", locale: "en" }, { html: true, strict: true });

parentPort?.on("message", (/** @type {Job} */ job) => {
  /** @type {Result} */
  let result;
  try {
    result = work(job);
  } catch (error) {
    result = { kind: "broken", name: "", flaw: error instanceof Error ? error.message : String(error) };
  }
  parentPort?.postMessage(result);
});
parentPort?.postMessage("ready");
