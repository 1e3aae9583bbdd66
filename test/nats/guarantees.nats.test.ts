import { describe, expect, it } from "vitest";
import { natsStore } from "../../src/nats/index.ts";
import type { Check } from "../support/nats-guarantees.ts";
import { openScene } from "../support/nats-guarantees.ts";
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
import { useNatsServer } from "../support/use-nats-server.ts";

const nats = useNatsServer();

async function foundBy(check: Check, openStore: typeof natsStore): Promise<readonly string[]> {
  await using scene = await openScene(nats.server, undefined, openStore);
  return await check(scene);
}

describe.each([
  ["singly or in batches", natsStore],
  ["in batches", batchingStore],
] as const)("replicas on a NATS bucket that send writes %s", (_, openStore) => {
  // Not concurrent: this many calls keep the machine so busy that leases of other tests would end.
  it("G1 grant an event to one of many concurrent callers, during renewals, after a release and after a commit", async () => {
    expect(await foundBy(oneHolder, openStore)).toEqual([]);
  });

  it.concurrent.each<readonly [title: string, check: Check]>([
    ["G2 report an event as pending until a dispatch of it was committed, then as a duplicate", nothingLost],
    ["G3 do not grant a committed event before its window ends, and then to one replica", noSecondDispatch],
    ["G4 grant the event of a permanently disconnected holder after its lease", progress],
    ["G5 keep a holder whose lease ended from changing or removing a later reservation", fenced],
    ["G6 abort a holder with a reason before another replica gets its event", abortedInTime],
    ["G6 abort a holder at its next renewal after an operator cleared its event", abortedAfterClear],
    [
      "G7 rethrow the error of a dispatch unchanged and release the key, even if the store is unreachable",
      errorSurvives,
    ],
    ["G8 adopt a late success, or report it as superseded if another replica took the event", lateSuccess],
    ["G9 F11 resolve a write without an answer, or report it as unknown", ambiguityResolved],
    ["G10 create no holder from a stale read", readsNeverDecide],
  ])("%s", async (__, check) => {
    expect(await foundBy(check, openStore)).toEqual([]);
  });
});
