import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { AlreadyRunning, claimDataDir } from "./instance.ts";

/** A socket's name as a process would choose it. */
const OTHER = "running-8888888888888888.sock";

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "reminder-instance-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test("a claim holds until it is released, and tells where its owner is reached", async () => {
  const folder = newFolder();
  const first = await claimDataDir(folder);
  await expect(claimDataDir(folder)).rejects.toThrow(AlreadyRunning);
  first.announce("http://127.0.0.1:8000");
  await expect(claimDataDir(folder)).rejects.toThrow(`(process ${process.pid}, http://127.0.0.1:8000)`);

  await first.release();
  expect(readdirSync(folder)).toEqual([]);
  await (await claimDataDir(folder)).release();
});

test("of many claims at once, beside a dead process's socket, exactly one succeeds", async () => {
  for (let round = 0; round < 50; round++) {
    const folder = newFolder();
    // A file that nobody listens on is what a killed process leaves.
    writeFileSync(join(folder, OTHER), "");
    const claims = await Promise.allSettled(Array.from({ length: 8 }, () => claimDataDir(folder)));
    const won = claims.filter((claim) => claim.status === "fulfilled");
    const lost = claims.filter((claim) => claim.status === "rejected");
    expect(won).toHaveLength(1);
    expect(lost.filter((claim) => !(claim.reason instanceof AlreadyRunning))).toEqual([]);
    for (const claim of won) await claim.value.release();
    expect(readdirSync(folder)).toEqual([]);
  }
});

test("one that gives way just as it is asked is nobody to give way to", async () => {
  const folder = newFolder();
  // Of two that look, it would be the one to have it.
  const path = join(folder, "running-0000000000000000.sock");
  let asked = 0;
  const leaving = createServer((socket) => {
    asked += 1;
    socket.destroy();
    leaving.close();
  }).listen(path);
  await new Promise((resolve) => leaving.once("listening", resolve));

  await (await claimDataDir(folder)).release();
  expect(asked).toBe(1);
});

test("an owner that is too busy to answer is an owner all the same", async () => {
  const folder = newFolder();
  const mute = createServer().listen(join(folder, OTHER));
  onTestFinished(() => void mute.close());
  await new Promise((resolve) => mute.once("listening", resolve));
  await expect(claimDataDir(folder)).rejects.toThrow(AlreadyRunning);
});
