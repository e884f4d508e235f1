import { appendFile, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { follow, Traces } from "./traces.ts";

const said = (who: string, what: string): string => `2026-01-01 00:00:00.000 UTC [42] ${who} ${what}\n`;
const ofThem = (traces: Traces): [string, number][] => traces.counts().filter(([, count]) => count > 0);

test("what the engine met is counted, and what the saboteur met is not", () => {
  const traces = new Traces();
  traces.read(said("reminder-engine worker", "ERROR:  deadlock detected"));
  traces.read(said("chaos saboteur", "ERROR:  deadlock detected"));
  traces.read(said("reminder-engine api", "ERROR:  could not serialize access due to concurrent update"));
  traces.read(said("", "LOG:  client backend (PID 43) was terminated by signal 9: Killed"));
  traces.read(said("", "LOG:  terminating any other active server processes"));
  traces.read(said("[unknown]", "FATAL:  sorry, too many clients already"));
  expect(ofThem(traces)).toEqual([
    ["told of a deadlock", 1],
    ["told that it can't be serialized", 1],
    ["a backend killed, and all others ended for it", 1],
    ["not let in, for too many are", 1],
  ]);
});

test("a log is read to its end, each line once, also when it is begun anew", async () => {
  const folder = await mkdtemp(join(tmpdir(), "reminder-traces-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const [path, traces] = [join(folder, "postgres.log"), new Traces()];
  const line = said("reminder-engine worker", "ERROR:  deadlock detected");
  await writeFile(path, `${line}${line.slice(0, 60)}`);
  await follow(path, traces).stop();
  expect(ofThem(traces)).toEqual([["told of a deadlock", 1]]);

  const followed = follow(path, traces);
  await truncate(path);
  await appendFile(path, line);
  await followed.stop();
  expect(ofThem(traces)).toEqual([["told of a deadlock", 2]]);
});
