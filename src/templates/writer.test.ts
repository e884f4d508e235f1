import { expect, test } from "vitest";
import { exampleMessage as message } from "../../test/support/message.ts";
import type { Cage } from "./cage/cage.ts";
import type { Job } from "./cage/job.ts";
import type { StoredTemplate, WantedTemplate } from "./template.ts";
import { Writer } from "./writer.ts";

/** Looks in no store, and fills nothing in: what it was asked for is all. */
function writer(found: StoredTemplate | null = null) {
  const wanted: WantedTemplate[] = [];
  const cage = {
    run: async () => {
      throw new Error("nothing is to be filled in");
    },
  } as unknown as Cage;
  const find = (_: string, one: WantedTemplate) => {
    wanted.push(one);
    return found;
  };
  return { wanted, writer: new Writer(cage, find) };
}

const NAMED = {
  eventType: "urgent",
  channel: "*",
  locale: "*",
  version: 1,
  subject: null,
  text: "{{ a }}",
  onFailure: "fail",
};
const addressed = { person: null, step: 1, template: "urgent", as: "manager" };

test("what a step names is looked for; the sign for any event type is no name", async () => {
  const { wanted, writer: one } = writer();
  for (const template of ["urgent", "*", null])
    await one.write("default", "email", message({ addressed: { ...addressed, template } }));
  expect(wanted.map(({ named }) => named)).toEqual(["urgent", null, null]);
});

test("that it is done is told in words of its own, whatever templates there are, and none is looked for", async () => {
  const { wanted, writer: one } = writer();
  const told = message({ addressed: { ...addressed, tells: true } });
  expect(await one.write("default", "email", told)).toBeNull();
  expect(wanted).toEqual([]);
  expect(await one.writeIn("default", NAMED as StoredTemplate, told)).toMatchObject({ instead: null });
});

test("a template that a step names, and that doesn't frame the reminder's own words, is written whatever is wrong with these", async () => {
  const filled: string[] = [];
  const run = async (_: string, { texts }: Job) => {
    filled.push(texts.map(({ name }) => name).join(", "));
    return { kind: "filled", filled: { "the text": "Now!" } };
  };
  for (const framesOwn of [false, true]) {
    const named = { ...NAMED, framesOwn } as StoredTemplate;
    const one = new Writer({ run } as unknown as Cage, () => named);
    const own = { message: "{{ data.list | join }}" };
    await one.write("default", "email", message({ reminder: own, addressed: { ...addressed, template: "urgent" } }));
  }
  expect(filled).toEqual(["the text", "message, the text"]);
});

test("nor is its subject filled in, where the template that a step names has one and speaks of none", async () => {
  const filled: string[] = [];
  const run = async (_: string, { texts }: Job) => {
    filled.push(texts.map(({ name }) => name).join(", "));
    return { kind: "filled", filled: { "the subject": "Urgent", "the text": "Now!" } };
  };
  const own = { subject: "{{ data.list | join }}", message: "{{ subject }}!" };
  const writtenBy = async (fields: Partial<StoredTemplate>, reminder = own) => {
    const one = new Writer(
      { run } as unknown as Cage,
      () => ({ ...NAMED, subject: "Urgent", ...fields }) as StoredTemplate,
    );
    await one.write("default", "email", message({ reminder, addressed: { ...addressed, template: "urgent" } }));
    return filled.pop();
  };
  expect(await writtenBy({})).toBe("the subject, the text");
  expect(await writtenBy({ subject: null })).toBe("subject, the text");
  expect(await writtenBy({ subject: "Urgent: {{ subject }}" })).toBe("subject, the subject, the text");
  expect(await writtenBy({ text: "Now! {{ subject }}" })).toBe("subject, the subject, the text");
  expect(await writtenBy({ framesOwn: true })).toBe("subject, message, the subject, the text");
  expect(await writtenBy({}, { ...own, subject: "In plain words" })).toBe("subject, the subject, the text");
});
