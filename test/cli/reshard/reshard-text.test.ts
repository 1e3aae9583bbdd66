import { describe, expect, it } from "vitest";
import type { PlanRefusal } from "../../../src/cli/reshard/reshard-plan.ts";
import {
  endReport,
  reshardEndText,
  reshardProgressText,
  stoppedReport,
  stoppedReshardText,
} from "../../../src/cli/reshard/reshard-text.ts";
import type { ReshardEnd, ReshardStep } from "../../../src/cli/reshard/resharding.ts";

const names = { bucket: "dedup", to: 3 };
const old = { kept: ["dedup-1-of-2", "dedup-2-of-2"], deleted: [] };

describe("the end of a reshard", () => {
  it.each<readonly [ReshardEnd, string]>([
    [
      { end: "dry-run", from: 2, keys: 1 },
      "this was a dry run. 1 key of bucket dedup would be moved from 2 shards to 3.",
    ],
    [{ end: "nothing-to-do", deleted: [] }, "Bucket dedup has 3 shards already.\n"],
    [{ end: "nothing-to-do", deleted: ["a", "b"] }, "Deleted 2 old buckets: a, b."],
    [{ end: "done", from: 2, keys: 7, old }, "Moved 7 keys of bucket dedup from 2 shards to 3, and verified them."],
    [{ end: "done", from: 2, keys: 7, old }, "Now set `shards: 3` in every replica, and start them."],
    [{ end: "done", from: 2, keys: 7, old }, "Delete them with latchkey reshard --bucket dedup --to 3 --delete-old."],
    [{ end: "finished", from: 2, old: { kept: [], deleted: ["a"] } }, "Deleted 1 old bucket: a."],
    [{ end: "taken-back", from: 2 }, "Replicas start with `shards: 2`, as before."],
  ])("prints %j as a sentence with the next action", (end, sentence) => {
    expect(reshardEndText(end, names)).toContain(sentence);
    expect(endReport(end, names)).toEqual({ ...names, ...end });
  });

  it.each<readonly [PlanRefusal, string]>([
    [{ reason: "no-bucket" }, "there is no bucket dedup."],
    [{ reason: "odd-roles", shards: 2 }, "Compare their metadata `latchkey_reshard`."],
    [{ reason: "missing-buckets", shards: 2, missing: ["a"] }, "of the buckets for 2 shards, a does not exist."],
    [{ reason: "missing-buckets", shards: 2, missing: ["a", "b"] }, "a, b do not exist."],
    [{ reason: "several-live", numbers: [1, 2] }, "Delete those that the replicas do not use."],
    [{ reason: "keys-gone", shards: 2, to: 3 }, "Restore it, or delete all buckets of dedup to start without keys."],
    [
      { reason: "in-the-way", shards: 3, live: 2 },
      "Delete them with latchkey reshard --bucket dedup --to 2 --delete-old.",
    ],
    [{ reason: "interrupted", from: 2, to: 4 }, "Finish it with --to 4, or take it back with --to 2."],
    [{ reason: "finish-first", from: 2, to: 4 }, "Finish it with --to 4 first."],
  ])("gives the reason and the next action after the refusal %j", (refusal, sentence) => {
    const end: ReshardEnd = { end: "refused", refusal, from: undefined };
    expect(reshardEndText(end, names)).toMatch(/^Nothing was changed: /);
    expect(reshardEndText(end, names)).toContain(sentence);
    expect(endReport(end, names)).toEqual({ ...names, end: "refused", from: null, ...refusal });
  });
});

describe("a reshard that stopped", () => {
  it.each<readonly [ReshardStep, string]>([
    ["checking", "Nothing was changed."],
    ["closing", "Repeat latchkey reshard --bucket dedup --to 3 to finish it"],
    ["copying", "or run latchkey reshard --bucket dedup --to 2 to take it back."],
    ["retiring", "replicas may start with `shards: 3`."],
    ["deleting", "Repeat latchkey reshard --bucket dedup --to 3 --delete-old."],
    ["reopening", "Run latchkey reshard --bucket dedup --to 2 to open them."],
  ])("reports the incomplete work and the next action while %s", (step, sentence) => {
    const error = new Error("no answer");
    const stop = { step, from: 2, error, ...names };
    expect(stoppedReshardText(stop)).toMatch(new RegExp(`^Stopped while ${step}: `));
    expect(stoppedReshardText(stop)).toContain(sentence);
    expect(stoppedReshardText({ ...stop, error: undefined })).toMatch(new RegExp(`^Interrupted while ${step}\\.`));
    expect(stoppedReport(stop)).toEqual({ ...names, end: "stopped", from: 2, step, reason: "no answer" });
    expect(stoppedReport({ ...stop, from: undefined, error: undefined })).toEqual({
      ...names,
      end: "interrupted",
      from: null,
      step,
      reason: null,
    });
  });

  it("shows the number of copied keys while it copies", () => {
    expect(reshardProgressText({ step: "copying", copied: 1_000 })).toContain("copying · 1,000 keys");
    expect(reshardProgressText({ step: "verifying", copied: 1_000 })).toBe("verifying");
  });
});
