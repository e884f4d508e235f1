import { expect, test } from "vitest";
import { answering, open, PRESSES, press } from "../support/answers.ts";
import { outlast, until } from "../support/wait.ts";

test("not me: nobody is nagged any more, and a person must look at it", async () => {
  const here = await answering();
  const { id, links } = await here.send();
  expect((await press(links.not_me, { choice: "to", to: "bob@example.org" })).status).toBe(409);
  expect((await press(links.not_me, PRESSES.not_me)).status).toBe(200);
  await here.becomes(id, { status: "PAUSED" });
  expect((await here.reminder(id)).needs_attention).toContain("someone@example.org said that it isn't theirs");
});

test("not me, by one of several: they get no more of it, and the others are reminded as before", async () => {
  const here = await answering();
  const recipients = JSON.stringify(["ann@example.org", "bob@example.org"].map((address) => ({ address })));
  const id = await here.insert({ run_at: new Date(Date.now() - 1_000), recipient: null, recipients });
  await here.linksOf(id, 2);
  const mine = here.sink.received.find(({ recipient }) => recipient === "ann@example.org");
  const { text } = await press(mine?.links?.not_me ?? "", PRESSES.not_me);
  expect(text).toContain("You will not be reminded of it any more.");
  const { status, needs_attention: attention } = await here.reminder(id);
  expect(status).toBe("ACTIVE");
  expect(attention).toContain("ann@example.org said that it isn't theirs: they get no more of it");

  await outlast();
  await here.advance({ minutes: 61 });
  await here.linksOf(id, 3);
  await until(
    async () => (await here.deliveries(id)).filter(({ finished_at: at }) => at !== null).length === 4,
    "all of its deliveries have ended",
  );
  expect(here.sink.received.map(({ recipient }) => recipient).slice(2)).toEqual(["bob@example.org"]);
});

test("one of several names somebody else, who takes their place among the recipients", async () => {
  const here = await answering();
  const recipients = JSON.stringify(["ann@example.org", "bob@example.org"].map((address) => ({ address })));
  const wanted = { recipient: null, recipients, allow_reassign: true };
  const id = await here.insert({ run_at: new Date(Date.now() - 1_000), ...wanted });
  await here.linksOf(id, 2);
  const mine = here.sink.received.find(({ recipient }) => recipient === "ann@example.org");
  await press(mine?.links?.not_me ?? "", { choice: "to", to: "eve@example.org" });

  expect(await here.reminder(id)).toMatchObject({
    ...{ status: "ACTIVE", recipient: null, needs_attention: null },
    recipients: [{ address: "eve@example.org" }, { address: "bob@example.org" }],
  });
  await here.advance({ minutes: 61 });
  await here.linksOf(id, 4);
  expect(
    here.sink.received
      .slice(2)
      .map(({ recipient }) => recipient)
      .sort(),
  ).toEqual(["bob@example.org", "eve@example.org"]);

  // Whose it isn't any more can't say for those whose it is that it is done.
  const said = await press(mine?.links?.done ?? "", PRESSES.done);
  expect([said.status, said.text]).toEqual([409, expect.stringContaining("This has changed since")]);
  expect(await here.reminder(id)).toMatchObject({ status: "ACTIVE" });
});

test("not me, by whom it was escalated to: whoever it is for is reminded as before", async () => {
  const here = await answering();
  await here.database.query(
    `insert into policies (name, steps) values ('p', '[{"to": ["recipient", {"address": "boss@example.org"}]}]')`,
  );
  const id = await here.insert({ run_at: new Date(Date.now() - 1_000), recipient: "ann@example.org", policy: "p" });
  await here.linksOf(id, 2);
  const theirs = here.sink.received.find(({ recipient }) => recipient === "boss@example.org");
  await press(theirs?.links?.not_me ?? "", PRESSES.not_me);

  expect(await here.reminder(id)).toMatchObject({
    status: "ACTIVE",
    needs_attention: "boss@example.org said that it isn't theirs: they get no more of it",
  });
  await outlast();
  await here.advance({ minutes: 61 });
  await until(
    async () => (await here.deliveries(id)).filter(({ finished_at: at }) => at !== null).length === 4,
    "all of its deliveries have ended",
  );
  expect(here.sink.received.slice(2).map(({ recipient }) => recipient)).toEqual(["ann@example.org"]);
});

test("not me, of a message that went to nobody's own address: it is told, and goes on as before", async () => {
  const here = await answering();
  await here.database.query(
    `insert into contacts (entity_type, entity_id, name) values ('team', 'a', 'Ann'), ('team', 'b', 'Bob')`,
  );
  const recipients = ["a", "b"].map((entity_id) => ({ contact: { entity_type: "team", entity_id } }));
  const wanted = { recipient: null, recipients: JSON.stringify(recipients) };
  const id = await here.insert({ run_at: new Date(Date.now() - 1_000), ...wanted });
  const links = await here.linksOf(id, 2);
  expect(here.sink.received.map(({ recipient }) => recipient)).toEqual([null, null]);

  const { status, text } = await press(links.not_me, PRESSES.not_me);
  expect(status).toBe(200);
  expect(text).toContain("It still goes where others read it too.");
  const { status: now, needs_attention: attention } = await here.reminder(id);
  expect(now).toBe("ACTIVE");
  expect(attention).toMatch(/said that it isn't theirs: it goes where others read it too, as before; put somebody in/);
  expect(await here.database.query("select from opt_outs")).toEqual([]);

  await here.advance({ minutes: 61 });
  await here.linksOf(id, 4);
});

test("whom it was escalated to may name somebody else: that is told, and nobody is put in anybody's place", async () => {
  const here = await answering();
  await here.database.query(
    `insert into policies (name, steps) values ('p', '[{"to": ["recipient", {"address": "boss@example.org"}]}]')`,
  );
  const wanted = { recipient: "ann@example.org", policy: "p", allow_reassign: true };
  const id = await here.insert({ run_at: new Date(Date.now() - 1_000), ...wanted });
  await here.linksOf(id, 2);
  const theirs = here.sink.received.find(({ recipient }) => recipient === "boss@example.org");
  const { text } = await press(theirs?.links?.not_me ?? "", { choice: "to", to: "bob@example.org" });

  expect(text).toContain("You will not be reminded of it any more.");
  expect(text).not.toContain("instead of you");
  expect(await here.reminder(id)).toMatchObject({
    ...{ status: "ACTIVE", recipient: "ann@example.org" },
    needs_attention: "boss@example.org said that it isn't theirs, and named bob@example.org: they get no more of it",
  });
});

test("who may name somebody else does, and they are reminded at once with links of their own", async () => {
  const here = await answering();
  const { id, links } = await here.send({ allow_reassign: true });
  expect((await open(links.not_me)).text).toContain('name="to"');
  await press(links.not_me, { choice: "to", to: "bob@example.org" });
  const theirs = await here.linksOf(id, 2);
  expect(here.sink.received.at(-1)?.recipient).toBe("bob@example.org");
  expect(theirs.done).not.toBe(links.done);
});

test("whose it is instead is asked for as an address of the reminder's channel, over whichever its message came", async () => {
  const here = await answering();
  const { id, links } = await here.send({ allow_reassign: true });
  const fieldOf = async () => / type="(\w+)" maxlength/.exec((await open(links.not_me)).text)?.[1];
  await here.deliveryBecomes(id, "sent");
  await here.database.query("update deliveries set channel = 'email'");
  expect(await fieldOf()).toBe("text");
  here.sink.addressType = "tel";
  expect(await fieldOf()).toBe("tel");
});

test("where a channel reaches devices, nobody is asked for another address, and none is taken", async () => {
  const here = await answering();
  here.sink.reachesDevices = true;
  const { id, links } = await here.send({ allow_reassign: true });
  expect((await open(links.not_me)).text).not.toContain('name="to"');
  expect((await open(links.stop)).text).toContain("Nothing more is sent to your devices.");
  const { status, text } = await press(links.not_me, { choice: "to", to: "bob@example.org" });
  expect([status, text.includes('name="to"')]).toEqual([422, false]);
  expect(await here.reminder(id)).toMatchObject({ status: "ACTIVE", recipient: "someone@example.org" });
});

test("of what was given to somebody else since, who had it before can't say 'not me'; whom they have named themselves they may correct", async () => {
  const here = await answering();
  const { id, links } = await here.send();
  await here.api.patch(id, { recipient: "eve@example.org" });
  const said = await press(links.not_me, PRESSES.not_me);
  expect([said.status, said.text]).toEqual([409, expect.stringContaining("This has changed since")]);
  expect(await here.reminder(id)).toMatchObject({ status: "ACTIVE", needs_attention: null });

  const other = await here.send({ allow_reassign: true });
  for (const to of ["bbo@example.org", "bob@example.org"]) {
    await press(other.links.not_me, { choice: "to", to });
    expect(await here.reminder(other.id)).toMatchObject({ status: "ACTIVE", recipient: to });
  }
  expect((await press(other.links.not_me, PRESSES.not_me)).status).toBe(409);
  expect(await here.reminder(other.id)).toMatchObject({ status: "ACTIVE", recipient: "bob@example.org" });
});

test.each([
  ["email", "ann@example.org", "Eve@Example.org", "ANN@example.org"],
  ["phone", "+4915112345678", "+4915112345679", "+4915112345678"],
] as const)(
  "whose contact has another %s since can't say 'not me' for who is reached there",
  async (by, first, other, again) => {
    const here = await answering();
    here.sink.address = (contact) => contact[by];
    await here.api.putContact("invoice", "moved", { [by]: first });
    const { id, links } = await here.send({ entity_id: "moved", recipient: null });
    expect((await here.deliveries(id))[0]?.recipient).toBe(first);
    await here.api.putContact("invoice", "moved", { [by]: other });
    expect((await press(links.not_me, PRESSES.not_me)).status).toBe(409);
    expect(await here.reminder(id)).toMatchObject({ status: "ACTIVE", needs_attention: null });
    await here.api.putContact("invoice", "moved", { [by]: again });
    expect((await press(links.not_me, PRESSES.not_me)).status).toBe(200);
    expect(await here.reminder(id)).toMatchObject({ status: "PAUSED" });
  },
);

test("not me, by the mail of before somebody else got it too, is one person's word as well", async () => {
  const here = await answering();
  const { id, links } = await here.send();
  await here.api.patch(id, { recipient: null, recipients: ["eve@example.org", "someone@example.org"] });
  expect((await press(links.not_me, PRESSES.not_me)).status).toBe(200);
  expect(await here.reminder(id)).toMatchObject({
    status: "ACTIVE",
    needs_attention: expect.stringContaining("someone@example.org said that it isn't theirs: they get no more of it"),
  });
});

test("by the mail of before several had it, each speaks for themselves, however their address is written by now", async () => {
  const here = await answering();
  const people = (...addresses: string[]) => ({ recipient: null, recipients: addresses, completes_when: "all" });
  const one = await here.send();
  await here.api.patch(one.id, people("eve@example.org", "Someone@Example.org"));
  expect((await press(one.links.done, PRESSES.done)).status).toBe(200);
  expect(await here.database.query("select person from reminder_done where reminder_id = $1", [one.id])).toEqual([
    { person: "Someone@Example.org" },
  ]);
  expect(await here.reminder(one.id)).toMatchObject({ status: "ACTIVE" });

  const other = await here.send({ allow_reassign: true });
  await here.api.patch(other.id, people("eve@example.org", "Someone@Example.org"));
  expect((await press(other.links.not_me, { choice: "to", to: "bob@example.org" })).status).toBe(200);
  expect(await here.reminder(other.id)).toMatchObject({
    recipients: [{ address: "eve@example.org" }, { address: "bob@example.org" }],
  });
});
