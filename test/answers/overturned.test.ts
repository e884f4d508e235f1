import { expect, test } from "vitest";
import { type Answering, answering, open, PRESSES, press } from "../support/answers.ts";
import { until } from "../support/wait.ts";

/** The fields that a page's forms would send along, whichever button is pressed. */
function hiddenIn(page: string): Record<string, string> {
  const found = page.matchAll(/<input type="hidden" name="(\w+)" value="(\w+)">/g);
  return Object.fromEntries([...found].map(([, name = "", value = ""]) => [name, value]));
}

const FLAG = { stop_condition_type: "db_check", stop_condition_value: "paid" };

/** A reminder that was done by a link of its first message, and whose flag was set back. */
async function reopened(here: Answering): Promise<Awaited<ReturnType<Answering["send"]>>> {
  const sent = await here.send({ ...FLAG, reopens: true });
  await press(sent.links.done, PRESSES.done);
  await here.becomes(sent.id, { status: "COMPLETED" });
  expect((await open(sent.links.done)).text).toContain("marked as done");
  await here.setFlag("paid", false);
  await here.becomes(sent.id, { status: "ACTIVE" });
  return sent;
}

test("done, by the old mail of a reminder that was reopened, counts for it as it is now, once its reader has been told", async () => {
  const here = await answering();
  const { id, links } = await reopened(here);

  const page = await open(links.done);
  expect(page.text).toContain("It was marked as done before, but it is open again.");
  expect(page.text).toContain("Is it done?");
  // A page of before, sent once more, isn't said of what it is now.
  const again = await press(links.done, PRESSES.done);
  expect([again.status, again.text]).toEqual([409, page.text]);
  expect(await here.reminder(id)).toMatchObject({ status: "ACTIVE" });

  const said = await press(links.done, { ...PRESSES.done, ...hiddenIn(again.text) });
  expect([said.status, said.text]).toEqual([200, expect.stringContaining("Thank you. It is marked as done.")]);
  await here.becomes(id, { status: "COMPLETED", completion_reason: "stop_condition" });
  expect((await press(links.done, { ...PRESSES.done, ...hiddenIn(again.text) })).text).toBe(said.text);
  expect((await here.events(id)).filter(({ type }) => type === "done")).toHaveLength(2);
});

test("of several, who has done theirs is asked anew once it was reopened", async () => {
  const here = await answering();
  const recipients = JSON.stringify(["ann@example.org", "bob@example.org"].map((address) => ({ address })));
  const columns = { ...FLAG, reopens: true, recipient: null, recipients, completes_when: '"all"' };
  const id = await here.insert({ run_at: new Date(Date.now() - 1_000), ...columns });
  await here.linksOf(id, 2);
  const done = here.sink.received.find(({ recipient }) => recipient === "ann@example.org")?.links?.done ?? "";
  await press(done, PRESSES.done);
  expect((await open(done)).text).toContain("It is marked as done.");

  await here.setFlag("paid", true);
  await here.becomes(id, { status: "COMPLETED" });
  await here.setFlag("paid", false);
  await here.becomes(id, { status: "ACTIVE" });

  const page = await open(done);
  expect(page.text).toContain("open again");
  await press(done, { ...PRESSES.done, ...hiddenIn(page.text) });
  expect((await here.events(id)).filter(({ type }) => type === "done")).toHaveLength(2);
});

test("of several, who has done theirs has done it though their address is written otherwise since", async () => {
  const here = await answering();
  const recipients = ["ann@example.org", "bob@example.org"];
  const columns = { recipient: null, recipients: JSON.stringify(recipients.map((address) => ({ address }))) };
  const id = await here.insert({ run_at: new Date(Date.now() - 1_000), ...columns, completes_when: '"all"' });
  await here.linksOf(id, 2);
  const done = here.sink.received.find(({ recipient }) => recipient === "ann@example.org")?.links?.done ?? "";
  await press(done, PRESSES.done);
  const { text: said } = await open(done);
  expect(said).toContain("It is marked as done.");

  await here.api.patch(id, { recipients: ["Ann@example.org", "bob@example.org"] });
  expect((await open(done)).text).toBe(said);
  expect((await here.api.call("GET", `/reminders/${id}/explain`)).body).toMatchObject({
    present: expect.arrayContaining([
      expect.objectContaining({
        sentence: "It is for 2 recipients, of whom 1 has done theirs (Ann@example.org): it takes 2.",
      }),
    ]),
  });
});

test("what was put off before it was done is over when it is reopened", async () => {
  const here = await answering();
  const { id, links } = await here.send({ ...FLAG, reopens: true });
  await press(links.snooze, { choice: "1w" });
  await press(links.done, PRESSES.done);
  await here.becomes(id, { status: "COMPLETED" });
  await here.setFlag("paid", false);
  await here.becomes(id, { status: "ACTIVE", silent_until: null });
  await here.advance({ minutes: 61 });
  await here.linksOf(id, 2);
});

test("who was stopped being sent to, and is sent to again, can stop it by the old mail, by its page or by one click", async () => {
  const here = await answering();
  const { links } = await here.send();
  const optOuts = () => here.database.query("select kind from opt_outs");
  const release = (kind: string, about: unknown) =>
    here.api.call("DELETE", `/opt-outs/sink/someone%40example.org/${kind}/${about}`);
  const oneClick = { "List-Unsubscribe": "One-Click" };
  await press(links.stop, oneClick);
  await release("event_type", "payment");
  expect(await optOuts()).toEqual([]);

  expect((await open(links.stop)).text).toContain("they are sent to you again");
  expect((await press(links.stop, oneClick)).status).toBe(200);
  expect(await optOuts()).toEqual([{ kind: "event_type" }]);
  await release("event_type", "payment");

  const page = await open(links.stop);
  expect((await press(links.stop, PRESSES.stop)).status).toBe(409);
  expect((await press(links.stop, { ...PRESSES.stop, ...hiddenIn(page.text) })).status).toBe(200);
  expect(await optOuts()).toEqual([{ kind: "reminder" }]);
});

test("not me may be said once more where it goes to the same person again, and not of what is somebody else's by now", async () => {
  const here = await answering();
  const { id, links } = await here.send();
  await press(links.not_me, PRESSES.not_me);
  await here.becomes(id, { status: "PAUSED" });
  await here.api.act(id, "resume");

  const page = await open(links.not_me);
  expect(page.text).toContain("by now it goes to you again");
  await press(links.not_me, { ...PRESSES.not_me, ...hiddenIn(page.text) });
  await here.becomes(id, { status: "PAUSED" });

  await here.database.query("update reminder_jobs set recipient = 'eve@example.org' where id = $1", [id]);
  await here.api.act(id, "resume");
  expect((await open(links.not_me)).text).toContain("You will not be reminded of it any more");
  await press(links.not_me, { ...PRESSES.not_me, ...hiddenIn(page.text) });
  expect(await here.reminder(id)).toMatchObject({ status: "ACTIVE", recipient: "eve@example.org" });
});

test("who is none of several people any more can't say 'not me' for those who are left", async () => {
  const here = await answering();
  const people = (...names: string[]) => JSON.stringify(names.map((name) => ({ address: `${name}@example.org` })));
  const columns = { recipient: null, recipients: people("ann", "bob", "eve") };
  const id = await here.insert({ run_at: new Date(Date.now() - 1_000), ...columns });
  await here.linksOf(id, 3);
  const linkOf = (name: string) =>
    here.sink.received.find(({ recipient }) => recipient === `${name}@example.org`)?.links?.not_me ?? "";
  await press(linkOf("ann"), PRESSES.not_me);
  await here.database.query("update reminder_jobs set recipients = $2, needs_attention = null where id = $1", [
    id,
    people("eve"),
  ]);
  await here.api.call("DELETE", `/opt-outs/sink/ann%40example.org/reminder/${id}`);

  const page = await open(linkOf("ann"));
  expect(page.text).not.toContain("goes to you again");
  await press(linkOf("ann"), { ...PRESSES.not_me, again: "yes" });
  // Bob hadn't said anything while it was his.
  expect((await press(linkOf("bob"), PRESSES.not_me)).status).toBe(409);
  expect(await here.reminder(id)).toMatchObject({ status: "ACTIVE", needs_attention: null });
});

test("to take back 'stop these' sends again what was released after 'not me'", async () => {
  const here = await answering();
  const recipients = JSON.stringify(["ann@example.org", "bob@example.org"].map((address) => ({ address })));
  const id = await here.insert({ run_at: new Date(Date.now() - 1_000), recipient: null, recipients });
  await here.linksOf(id, 2);
  const { links } = here.sink.received.find(({ recipient }) => recipient === "ann@example.org") ?? {};
  await press(links?.not_me ?? "", PRESSES.not_me);
  await here.api.call("DELETE", `/opt-outs/sink/ann%40example.org/reminder/${id}`);
  await press(links?.stop ?? "", PRESSES.stop);
  expect(await here.database.query("select kind from opt_outs")).toEqual([{ kind: "reminder" }]);

  await press(links?.stop ?? "", { undo: "yes" });
  expect(await here.database.query("select kind from opt_outs")).toEqual([]);
});

test("to take back 'stop these' leaves what was said by 'not me', whichever came first", async () => {
  const here = await answering();
  const recipients = JSON.stringify(["ann@example.org", "bob@example.org"].map((address) => ({ address })));
  for (const order of [["not_me", "stop"] as const, ["stop", "not_me"] as const]) {
    const columns = { recipient: null, recipients, event_type: order.join() };
    const id = await here.insert({ run_at: new Date(Date.now() - 1_000), ...columns });
    await here.linksOf(id, 2);
    const mine = () =>
      here.sink.received.find(({ reminder, recipient }) => reminder.id === id && recipient === "ann@example.org");
    await until(async () => mine() !== undefined, "Ann has got hers");
    const { links } = mine() ?? {};
    for (const purpose of order) await press(links?.[purpose] ?? "", PRESSES[purpose]);
    await press(links?.stop ?? "", { "List-Unsubscribe": "One-Click" });

    const { text } = await press(links?.stop ?? "", { undo: "yes" });
    expect(text).toContain("That was taken back.");
    expect(text).toContain("You have also said that it isn&#39;t yours");
    expect(
      await here.database.query("select kind, about from opt_outs where about = $1::text or about = $2", [
        String(id),
        order.join(),
      ]),
    ).toEqual([{ kind: "reminder", about: String(id) }]);
  }
});
