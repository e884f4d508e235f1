import { spawnSync } from "node:child_process";
import { RRuleTemporal } from "rrule-temporal";
import { expect, test } from "vitest";
import { nextRrule, parseRrule, type RecurrenceSet } from "../../src/core/schedule/rrule.ts";
import { RuleError } from "../../src/core/schedule/rule-error.ts";
import { randomFrom } from "../chaos/random.ts";
import { type RandomRrule, randomRrule } from "./random-rules.ts";

const EACH = 12;
/** Later ones are not compared: the libraries give up somewhere, each elsewhere. */
const HORIZON = Date.UTC(2036, 0, 1);

const text = ({ start, rule }: RandomRrule): string => `DTSTART:${start}Z\nRRULE:${rule}`;

/** Null: refused when it is written, for never firing or taking too long. */
function byUs(rule: RandomRrule): number[] | null {
  const set = readOrRefuse(rule);
  if (set === null) return null;
  const found: number[] = [];
  while (found.length < EACH) {
    const next = nextRrule(set, found.at(-1) ?? 0);
    if (next === null || next > HORIZON) break;
    found.push(next);
  }
  return found;
}

function readOrRefuse(rule: RandomRrule): RecurrenceSet | null {
  try {
    return parseRrule(text(rule));
  } catch (error) {
    if (error instanceof RuleError && /too long/.test(error.message)) return null;
    throw error;
  }
}

/** Null: it gave up on the rule. */
function byRruleTemporal(rule: RandomRrule): number[] | null {
  try {
    const set = new RRuleTemporal({ rruleString: text(rule), maxIterations: 5_000 });
    const found: number[] = [];
    for (let last = new Date(0); found.length < EACH; ) {
      const next = set.next(last);
      if (!next || next.epochMilliseconds > HORIZON) break;
      found.push(next.epochMilliseconds);
      last = new Date(next.epochMilliseconds);
    }
    return found;
  } catch (error) {
    if (error instanceof Error && /exceeded/.test(error.message)) return null;
    throw error;
  }
}

/** What we refuse must be nothing worth having: the other finds nothing either, as far as it looks. */
function compare(rule: RandomRrule, theirs: string[], index: number, isWhole = true): void {
  const all = byUs(rule)?.map(iso) ?? [];
  const ours = isWhole ? all : all.slice(0, theirs.length);
  expect({ index, ...rule, found: ours }).toEqual({ index, ...rule, found: theirs });
}

test("300 random RRULEs mean the same to us and to rrule-temporal", { timeout: 400_000 }, () => {
  const random = randomFrom(11);
  let compared = 0;
  for (let n = 0; n < 300; n += 1) {
    const rule = randomRrule(random);
    const theirs = byRruleTemporal(rule);
    if (theirs === null) continue;
    compare(rule, theirs.map(iso), n);
    compared += 1;
  }
  expect(compared).toBeGreaterThan(200);
});

const iso = (wall: number): string => new Date(wall).toISOString().slice(0, 19);

/** Reads rules as JSON, and writes what each means, a line each: as far as it got in a tenth of a second, and whether it was through. */
const DATEUTIL = `
import sys, json, itertools, datetime, signal
from dateutil.rrule import rrulestr
class GaveUp(Exception): pass
def give_up(*_): raise GaveUp()
signal.signal(signal.SIGALRM, give_up)
horizon = datetime.datetime(2036, 1, 1)
for line in sys.stdin:
    rule = json.loads(line)
    found, whole = [], False
    try:
        rules = rrulestr("DTSTART:%s\\nRRULE:%s" % (rule["start"], rule["rule"].replace("Z;", ";").rstrip("Z")))
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        for at in itertools.islice(rules, ${EACH}):
            if at > horizon: break
            found.append(at.isoformat())
        whole = True
    except GaveUp: pass
    except ValueError as error:
        if "empty set" not in str(error): raise
        whole = True
    signal.setitimer(signal.ITIMER_REAL, 0)
    print(json.dumps({"found": found, "whole": whole}))
`;

const hasDateutil = spawnSync("python3", ["-c", "import dateutil.rrule"]).status === 0;

test.skipIf(!hasDateutil)(
  "2500 random RRULEs mean the same to us and to python3-dateutil",
  { timeout: 400_000 },
  () => {
    const random = randomFrom(13);
    const drawn = Array.from({ length: 2_500 }, () => randomRrule(random));
    // It lets the first week begin with DTSTART (docs/schedules-oracle.md).
    const rules = drawn.filter(({ rule }) => !(rule.includes("WEEKLY") && rule.includes("BYSETPOS")));
    const input = rules.map((rule) => JSON.stringify(rule)).join("\n");
    const { stdout, stderr, status } = spawnSync("python3", ["-c", DATEUTIL], {
      input,
      maxBuffer: 1e9,
      encoding: "utf8",
    });
    expect(status, stderr).toBe(0);
    const answers = stdout.trim().split("\n");
    expect(answers).toHaveLength(rules.length);
    let compared = 0;
    for (const [index, rule] of rules.entries()) {
      const { found, whole } = JSON.parse(answers[index] as string) as { found: string[]; whole: boolean };
      compare(rule, found, index, whole);
      compared += found.length;
    }
    expect(compared).toBeGreaterThan(rules.length);
  },
);
