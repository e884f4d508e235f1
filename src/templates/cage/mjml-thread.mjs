// @ts-check
// One thread of the cage that compiles MJML. Apart from those that fill in, because the library is slow to load, and seldom needed.
import { parentPort } from "node:worker_threads";
import { compileMjml } from "./mjml.mjs";

/** @typedef {import("./job.ts").CompileJob} CompileJob */
/** @typedef {import("./job.ts").Compiled} Compiled */

// What is slow the first time is done before anybody waits for it.
compileMjml(
  "<mjml><mj-body><mj-section><mj-column><mj-text>{{ a }}</mj-text></mj-column></mj-section></mj-body></mjml>",
);

/** What nobody would take isn't handed over: to read some megabytes holds up all else. @param {CompileJob} job */
function compile({ text, mostChars }) {
  const { html, flaws } = compileMjml(text);
  const isTooLarge = html !== null && html.length > mostChars;
  return isTooLarge
    ? { html: null, flaws: [`it compiles to more than ${mostChars} characters of HTML`] }
    : { html, flaws };
}

parentPort?.on("message", (/** @type {CompileJob} */ job) => {
  /** @type {Compiled} */
  let result;
  try {
    result = { kind: "compiled", ...compile(job) };
  } catch (error) {
    result = { kind: "compiled", html: null, flaws: [error instanceof Error ? error.message : String(error)] };
  }
  parentPort?.postMessage(result);
});
parentPort?.postMessage("ready");
