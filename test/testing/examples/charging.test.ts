import { test } from "vitest";
import { exhaust } from "../../../src/testing/index.ts";
import { chargedOnce, charging, IdempotentProvider } from "./charging.ts";

test("a customer is charged once, even if a process dies", async () => {
  await exhaust(charging, { crashes: 1, preemptions: 1, world: () => new IdempotentProvider(), holds: chargedOnce });
}, 60_000);
