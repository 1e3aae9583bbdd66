import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { natsStore } from "../../src/nats/index.ts";
import type { Check } from "../support/nats-guarantees.ts";
import { openScene } from "../support/nats-guarantees.ts";
import type { NatsFlaw } from "../support/nats-guarantees-flaws.ts";
import {
  abortedAfterClear,
  abortedInTime,
  fenced,
  noSecondDispatch,
  nothingLost,
  oneHolder,
  progress,
} from "../support/nats-guarantees-holding.ts";
import {
  ambiguityResolved,
  errorSurvives,
  lateSuccess,
  readsNeverDecide,
} from "../support/nats-guarantees-settling.ts";
import { batchingStore } from "../support/nats-sending.ts";
import { type NatsServer, startNats } from "../support/nats-server.ts";

let server: NatsServer;

beforeAll(async () => {
  server = await startNats();
});
afterAll(() => server.stop());

async function foundBy(check: Check, flaw?: NatsFlaw, openStore = natsStore): Promise<readonly string[]> {
  await using scene = await openScene(server, flaw, openStore);
  return await check(scene);
}

describe.each([
  ["as it pays", natsStore],
  ["in batches", batchingStore],
] as const)("replicas on a NATS bucket that send %s", (_, openStore) => {
  // By itself: so many at once keep the machine so busy that leases of others would end.
  it("G1 one of many concurrent callers gets the event, while it is renewed, after a release and after a commit", async () => {
    expect(await foundBy(oneHolder, undefined, openStore)).toEqual([]);
  });

  it.concurrent.each<readonly [title: string, check: Check]>([
    ["G2 an event is a duplicate only when a dispatch of it was committed: until then it is pending", nothingLost],
    ["G3 after a commit nobody gets the event until its window ends, and then one does", noSecondDispatch],
    ["G4 the event of a holder that is cut off for good is unseen again after its lease", progress],
    ["G5 a holder whose lease ended neither commits nor renews over a later reservation, nor removes it", fenced],
    ["G6 a holder is aborted with a reason before another gets its event", abortedInTime],
    ["G6 a holder whose event an operator cleared is aborted at its next renewal", abortedAfterClear],
    [
      "G7 the error of a dispatch arrives unchanged, even if the store is out of reach, and the key is released",
      errorSurvives,
    ],
    ["G8 a late success is adopted, or superseded when another took the event", lateSuccess],
    ["G9 F11 a write that got no answer is resolved, and called unknown when it cannot be", ambiguityResolved],
    ["G10 a read that is out of date makes no holder", readsNeverDecide],
  ])("%s", async (__, check) => {
    expect(await foundBy(check, undefined, openStore)).toEqual([]);
  });
});

describe("on a store that breaks its contract the check of", () => {
  it.each<NatsFlaw>(["a write is not checked", "a write is checked only by a previous read"])(
    "G1 fails when %s",
    async (flaw) => {
      expect((await foundBy(oneHolder, flaw)).join("\n")).toContain("which another replica still holds");
    },
  );

  it.concurrent.each<readonly [guarantee: string, flaw: NatsFlaw, check: Check, found: readonly string[]]>([
    ["G2", "a reservation is shown as a commit", nothingLost, ["was duplicate for"]],
    ["G3", "a write is not checked", noSecondDispatch, ["unseen before the window ended"]],
    ["G3", "commits expire early", noSecondDispatch, ["unseen before the window ended"]],
    ["G3", "no key expires", noSecondDispatch, ["to be unseen after the window"]],
    ["G4", "no key expires", progress, ["to end in the bucket"]],
    ["G4", "a conflict renews the reservation", progress, ["to be unseen for b"]],
    ["G5", "a write is not checked", fenced, ["had ended committed over a", "had ended renewed over a"]],
    ["G5", "a removal is not checked", fenced, ["lease had ended released a"]],
    ["G6", "reservations expire early", abortedInTime, ["in the case of lease-ended the order was unseen,aborted"]],
    ["G7", "a removal is confirmed without effect", errorSurvives, ["was not free"]],
    ["G8", "a write is not checked", lateSuccess, ["was adopted instead of superseded"]],
    [
      "G9",
      "a missing answer counts as success",
      ambiguityResolved,
      ["was reported as confirmed", "a claim lost was dispatched"],
    ],
    ["G10", "a write is checked only by a previous read", readsNeverDecide, ["wrote over it"]],
  ])("%s fails when %s", async (_, flaw, check, found) => {
    const all = (await foundBy(check, flaw)).join("\n");
    for (const what of found) expect(all).toContain(what);
  });
});
