// Compiles src/ into dist/ and puts beside it what is not TypeScript: migrations and the ReDoc bundle.
import { execFileSync } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);
const require = createRequire(import.meta.url);
const tsc = `${dirname(require.resolve("typescript/package.json"))}/bin/tsc`;

rmSync("dist", { recursive: true, force: true });
execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], { stdio: "inherit" });
cpSync("src/store/migrations", "dist/store/migrations", { recursive: true });

const redoc = dirname(require.resolve("redoc/package.json"));
cpSync(`${redoc}/bundles/redoc.standalone.js`, "dist/api/docs/redoc.standalone.js");
cpSync(`${redoc}/bundles/redoc.standalone.js.LICENSE.txt`, "dist/api/docs/redoc.standalone.js.LICENSE.txt");
cpSync(`${redoc}/LICENSE`, "dist/api/docs/redoc.LICENSE.txt");
