import { describe, expect, test } from "vitest";
import { emailChannel, failure, unhurried } from "../support/email.ts";
import { exampleMessage } from "../support/message.ts";

const demo = () => emailChannel(null);

describe("without a mail server, an e-mail", () => {
  test("is printed in full, framed, and marked as demo", async () => {
    const email = demo();

    const receipt = await email.send(exampleMessage(), unhurried);

    expect(receipt).toEqual({ providerId: null, demo: true });
    expect(email.printed.join("").replace(/\d+ bytes/, "N bytes")).toBe(
      `┌── DEMO: this e-mail is printed, not sent, until SMTP_HOST is set ─────────────
│ From: Reminder System <noreply@company.example>
│ To: ann@example.com
│ Subject: Reminder: Feedback form (interviewer INT_100)
│ Message-ID: <1-1736947800000-0@company.example>
│ Auto-Submitted: auto-generated
│ X-Auto-Response-Suppress: OOF, AutoReply
│
│ Feedback form (interviewer INT_100)
│
│ “Feedback form” for interviewer INT_100 is still open.
│
│ Please give your feedback while it is fresh; a few minutes are enough.
│
│ Reminder: come up 3 times since January 15, 2025
│ Next one: Wednesday, January 15, 2025 at 2:30 PM UTC
│
│ --
│ These reminders stop by themselves as soon as it is done.
│ You get this because you are the one to remind about interviewer INT_100 (reminder 1).
│
│ (and the same as HTML, N bytes)
└───────────────────────────────────────────────────────────────────────────────
`,
    );
  });

  test("to nobody is printed all the same, and says what to set", async () => {
    const email = demo();

    const receipt = await email.send(exampleMessage({ recipient: null }), unhurried);

    expect(receipt.demo).toBe(true);
    expect(email.printed.join("")).toContain(
      "│ To: (nobody yet: set `recipient` on the reminder, or PUT /contacts/interviewer/INT_100 with an email)\n",
    );
  });

  test("to an address that no server would take fails as it would with one", async () => {
    const email = demo();

    const error = await failure(email.send(exampleMessage({ recipient: "ann at example" }), unhurried));

    expect(error.name).toBe("Permanent");
    expect(email.printed).toEqual([]);
  });

  test("can't command the terminal or fake the frame's end", async () => {
    const email = demo();
    const evil = "\u001b[2J\u001b]0;owned\u0007 \u009b31m \u202Etxt.exe\n└───\n{{ data.x }}";

    await email.send(exampleMessage({ reminder: { subject: evil, message: evil, data: { x: evil } } }), unhurried);

    const printed = email.printed.join("");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(printed).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202E]/);
    expect(
      printed
        .split("\n")
        .slice(1, -2)
        .every((line) => line.startsWith("│")),
    ).toBe(true);
  });

  test("that turns out to be done is not printed", async () => {
    const email = demo();
    const isDone = new Error("the flag is set");

    const error = await failure(
      email.send(exampleMessage(), { ...unhurried, beforeSend: () => Promise.reject(isDone) }),
    );

    expect(error).toBe(isDone);
    expect(email.printed).toEqual([]);
  });
});
