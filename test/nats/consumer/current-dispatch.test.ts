import { expect, it } from "vitest";
import { Deduplicator, memoryStore } from "../../../src/index.ts";
import { resolveIdentity } from "../../../src/model/identity.ts";
import { CurrentDispatch } from "../../../src/nats/consumer/current-dispatch.ts";
import { DispatchSignal } from "../../../src/nats/consumer/dispatch-signal.ts";

it("makes the signal of a dispatch when it is read or copied", async () => {
  await using dedup = new Deduplicator({ store: memoryStore() });
  const identity = resolveIdentity({ subscriptionId: "s", eventId: "e" });
  const reservation = await dedup.reserve(identity);
  if (reservation.decision !== "unseen") return expect.unreachable();
  const aborting = new AbortController();
  let made = 0;
  const dispatching = new DispatchSignal(() => {
    made += 1;
    return [reservation.signal, aborting.signal];
  });
  const context = new CurrentDispatch(identity, reservation, dispatching);
  expect(made).toBe(0);
  const copy = Object.assign({}, context);
  expect(Object.keys(copy).sort()).toEqual(["identity", "reservation", "signal"]);
  aborting.abort("stopped");
  expect([copy.signal.reason, context.signal.reason, made]).toEqual(["stopped", "stopped", 1]);
  await reservation.release();
});
