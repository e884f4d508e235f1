import { expect, test, vi } from "vitest";
import { Crowded, Turnstile } from "./turnstile.ts";

const WAITING = 20;

test("services are forgotten, those too at which a crowd was told to come again and never came", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  try {
    const turnstile = new Turnstile({ total: 10, perTenant: 10, perService: 1 });
    let answer: () => void = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const passing = Array.from({ length: 1 + WAITING }, () => turnstile.pass("acme", "crowded", () => answered));
    await expect(turnstile.pass("acme", "crowded", async () => {})).rejects.toBeInstanceOf(Crowded);
    answer();
    await Promise.all(passing);
    // They may still come.
    expect(turnstile.size).toBe(1);

    vi.advanceTimersByTime(61_000);
    await turnstile.pass("other", "quiet", async () => {});

    expect(turnstile.size).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
