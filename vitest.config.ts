import { defineConfig } from "vitest/config";

/** What measures whole processes under load against a limit of time has the machine to itself. */
const ALONE = ["test/fuzz/fuzz.test.ts", "test/promises/chaos.test.ts", "test/promises/network.test.ts"];

const common = { testTimeout: 300_000, hookTimeout: 300_000 };

export default defineConfig({
  test: {
    globalSetup: ["test/support/global-setup.ts"],
    projects: [
      {
        extends: true,
        test: {
          ...common,
          name: "together",
          include: ["src/**/*.test.ts", "test/**/*.test.ts"],
          exclude: ALONE,
          // Most of the time a test waits for others: processes, leases, connections that time out.
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { ...common, name: "alone", include: ALONE, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
