// Compiles src/ into dist/ and puts beside it what is not TypeScript: migrations, what browsers run, and the ReDoc bundle.
// With --if-needed it does nothing when dist/ was made from these very sources. npx asks for a build each time it runs
// our command, also while another process runs from dist/: that must find its files there at every moment.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const require = createRequire(import.meta.url);
const STAMP = ".built-from";

const sources = fingerprint();
if (!process.argv.includes("--if-needed") || builtFrom() !== sources) build();

function build() {
  const fresh = `dist.new-${process.pid}`;
  const old = `dist.old-${process.pid}`;
  try {
    compile(fresh);
    addWhatIsNotTypeScript(fresh);
    chmodSync(join(fresh, "cli.js"), 0o755);
    writeFileSync(join(fresh, STAMP), sources);
    if (existsSync("dist")) renameSync("dist", old);
    renameSync(fresh, "dist");
  } catch (error) {
    // Another build may have put the same there in this moment.
    if (builtFrom() === sources) return;
    // When the compiler has failed, it has said why.
    if (error.status === undefined) console.error(error.message);
    process.exitCode = 1;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
    rmSync(old, { recursive: true, force: true });
  }
}

function compile(to) {
  const tsc = join(dirname(require.resolve("typescript/package.json")), "bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json", "--outDir", to], { stdio: "inherit" });
}

function addWhatIsNotTypeScript(to) {
  for (const thread of ["holidays/thread.mjs", "channels/email/plain-text-thread.mjs"]) {
    cpSync(join("src", thread), join(to, thread));
  }
  for (const file of ["engine.mjs", "engine.d.mts", "thread.mjs", "mjml.mjs", "mjml-thread.mjs"]) {
    cpSync(`src/templates/cage/${file}`, join(to, "templates/cage", file));
  }
  cpSync("src/api/push/browser", join(to, "api/push/browser"), { recursive: true });
  cpSync("src/store/migrations", join(to, "store/migrations"), { recursive: true });
  const redoc = dirname(require.resolve("redoc/package.json"));
  cpSync(`${redoc}/bundles/redoc.standalone.js`, join(to, "api/docs/redoc.standalone.js"));
  cpSync(`${redoc}/bundles/redoc.standalone.js.LICENSE.txt`, join(to, "api/docs/redoc.standalone.js.LICENSE.txt"));
  cpSync(`${redoc}/LICENSE`, join(to, "api/docs/redoc.LICENSE.txt"));
}

function builtFrom() {
  const stamp = join("dist", STAMP);
  return existsSync(stamp) ? readFileSync(stamp, "utf8") : null;
}

/** Tells whether anything changed that dist/ is made from, the versions of the tools included. */
function fingerprint() {
  const hash = createHash("sha256");
  const inSrc = readdirSync("src", { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const files = inSrc.map((entry) => join(entry.parentPath, entry.name)).sort();
  for (const file of [...files, "package-lock.json", "tsconfig.json", "tsconfig.build.json", "scripts/build.mjs"]) {
    hash.update(`${file}\n`).update(readFileSync(file));
  }
  return hash.digest("hex");
}
