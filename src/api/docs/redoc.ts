import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

/** The bundle's one address elsewhere: a logo, which it can do without. */
const LOGO = "https://cdn.redoc.ly/redoc/logo-mini.svg";
const NO_LOGO = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>";

let bundle: Promise<string> | undefined;

/** The ReDoc script, in which nothing is left to be fetched from elsewhere. Read once. */
export function redocBundle(): Promise<string> {
  bundle ??= read().then((script) => script.replaceAll(LOGO, NO_LOGO));
  return bundle;
}

/** From beside this file, where the build puts it; else, in a checkout, from the package that the build takes it from. */
async function read(): Promise<string> {
  try {
    return await readFile(new URL("./redoc.standalone.js", import.meta.url), "utf8");
  } catch {
    return readFile(createRequire(import.meta.url).resolve("redoc/bundles/redoc.standalone.js"), "utf8");
  }
}
