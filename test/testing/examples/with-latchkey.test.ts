import fc from "fast-check";
import { test } from "vitest";
import { checkHandler } from "../../../src/testing/index.ts";
import { withLatchkey } from "./with-latchkey.ts";

test("dispatches each event once, under any fault", async () => {
  await checkHandler(fc, withLatchkey);
}, 60_000);
