import { expect, onTestFinished, test, vi } from "vitest";
import { openDatabase } from "../store/postgres.ts";
import { complain } from "./say.ts";

function said(error: unknown): string[] {
  const lines: string[] = [];
  const write = vi.spyOn(process.stderr, "write").mockImplementation((text) => lines.push(String(text)) > 0);
  onTestFinished(() => write.mockRestore());
  complain(error, (text) => text);
  return lines;
}

test("a server that goes away just as a command starts is told in one line", async () => {
  const database = openDatabase({ url: "postgresql://127.0.0.1:1/none" });
  onTestFinished(() => database.close());
  const error = await database.query("select 1").catch((error: unknown) => error);
  expect(said(error)).toEqual([
    "✖ the connection to PostgreSQL broke: connect ECONNREFUSED 127.0.0.1:1: try again once it is there\n",
  ]);
});

test("what nobody has foreseen is told with all that is known", () => {
  expect(said(new TypeError("x is not a function"))).toEqual([
    expect.stringMatching(/^✖ this is a bug: TypeError: x is not a function\n +at /),
  ]);
});
