import chromium from "@sparticuz/chromium";
import { type Browser, chromium as playwright } from "playwright-core";

// The package is made for Amazon's functions, where nothing else runs: what weakens the browser is left out, save for
// the sandbox, which root can't have.
const UNWANTED = /^--(single-process|no-zygote|disable-web-security|allow-running-insecure-content|headless)/;

/** By itself, this browser talks to nobody. */
const QUIET = [
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-default-apps",
  "--disable-sync",
  "--metrics-recording-only",
  "--no-first-run",
  "--no-sandbox",
  "--disable-dev-shm-usage",
];

/** A real browser, for whoever closes it. */
export async function launchBrowser(): Promise<Browser> {
  chromium.setGraphicsMode = false;
  return playwright.launch({
    executablePath: await chromium.executablePath(),
    args: [...chromium.args.filter((argument) => !UNWANTED.test(argument)), ...QUIET],
    headless: true,
  });
}
