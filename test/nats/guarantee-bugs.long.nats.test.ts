import { describe, expect, it } from "vitest";
import type { Check } from "../support/nats-guarantees.ts";
import { openScene } from "../support/nats-guarantees.ts";
import type { NatsFlaw } from "../support/nats-guarantees-flaws.ts";
import {
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
import { useNatsServer } from "../support/use-nats-server.ts";

const nats = useNatsServer();

async function foundBy(check: Check, flaw: NatsFlaw): Promise<readonly string[]> {
  await using scene = await openScene(nats.server, flaw);
  return await check(scene);
}

describe("the checks of the guarantees on a store that breaks its contract", () => {
  it.each<NatsFlaw>(["a write is not checked", "a write is checked only by a previous read"])(
    "fail for G1 when %s",
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
  ])("fail for %s when %s", async (_, flaw, check, found) => {
    const all = (await foundBy(check, flaw)).join("\n");
    for (const what of found) expect(all).toContain(what);
  });
});
