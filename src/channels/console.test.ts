import { describe, expect, test } from "vitest";
import { exampleMessage } from "../../test/support/message.ts";
import { InvalidRecipient } from "./channel.ts";
import { createConsoleChannel } from "./console.ts";

function consoleChannel() {
  const printed: string[] = [];
  return { printed, ...createConsoleChannel({ print: (text) => printed.push(text) }) };
}

const { signal } = new AbortController();

describe("the console channel", () => {
  test("prints what the reminder says, and for whom", async () => {
    const console = consoleChannel();

    const receipt = await console.send(
      exampleMessage({
        recipient: "night shift",
        reminder: { subject: "Backups", message: "Check\n{{ data.host }}", data: { host: "db1" } },
      }),
      { signal },
    );

    expect(receipt).toEqual({ providerId: null, demo: false });
    expect(console.printed).toEqual([
      `${"┌── Backups ".padEnd(80, "─")}\n│ for night shift\n│\n│ Check\n│ db1\n${"└".padEnd(80, "─")}\n`,
    ]);
  });

  test("needs no recipient", async () => {
    const console = consoleChannel();

    await console.send(exampleMessage({ recipient: null }), { signal });

    expect(console.printed[0]).toContain("│ “Feedback form” for interviewer INT_100 is still open.\n");
  });

  test.each(["", "  ", "two\nlines", "\u001b[2J", "x".repeat(201)])(
    "takes no recipient that is no name: %j",
    (text) => {
      expect(() => consoleChannel().parseRecipient(text)).toThrow(InvalidRecipient);
    },
  );
});
