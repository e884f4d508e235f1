// A thread of its own: what HTML says may take longer to find out than the loop that sends can be held. Plain JavaScript, because a
// thread is started from a file as it is.
// @ts-check
import { parentPort, workerData } from "node:worker_threads";
import { convert } from "html-to-text";

parentPort?.postMessage(
  convert(workerData, {
    wordwrap: 78,
    limits: { maxInputLength: 128 * 1024, maxDepth: 50, maxChildNodes: 2_000, ellipsis: "…" },
    selectors: [
      { selector: "a", options: { hideLinkHrefIfSameAsText: true, linkBrackets: ["<", ">"] } },
      { selector: "img", format: "skip" },
      { selector: "style", format: "skip" },
    ],
  }),
);
