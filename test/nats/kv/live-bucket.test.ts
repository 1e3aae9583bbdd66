import type { StreamInfo } from "@nats-io/jetstream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StoreMisconfiguredError } from "../../../src/errors.ts";
import { type BucketJudgement, LiveBucket } from "../../../src/nats/kv/live-bucket.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";

const refusal = new StoreMisconfiguredError("discard is old", ["discard is old"]);

/** A bucket on simulated time. Reads take `readMs`, and show the settings at their end. */
function bucketWith(readMs = 0) {
  const clock = new SimulatedClock();
  const now = { isRight: true, isReachable: true, bytes: 0 };
  const judgements: BucketJudgement[] = [];
  let reads = 0;
  const info = (): StreamInfo => {
    const partial: unknown = { config: { max_bytes: 1_000 }, state: { bytes: now.bytes } };
    if (!isInfo(partial)) throw new Error("unreachable");
    return partial;
  };
  const live = new LiveBucket(
    {
      clock,
      async read() {
        reads += 1;
        if (readMs > 0) await new Promise<void>((resolve) => clock.schedule(readMs, resolve));
        if (!now.isReachable) throw new Error("no answer");
        return info();
      },
      judge: () => ({ refusal: now.isRight ? undefined : refusal, notes: [] }),
      onJudgement: (judgement) => judgements.push(judgement),
    },
    info(),
  );
  /** Resolves with whether a claim may be sent. */
  const admitted = async (): Promise<boolean> => {
    const waiting = (live.admit() ?? Promise.resolve()).then(
      () => true,
      () => false,
    );
    await clock.advanceAsync(readMs);
    return waiting;
  };
  return { clock, now, live, judgements, reads: () => reads, admitted };
}

function isInfo(_: unknown): _ is StreamInfo {
  return true;
}

describe("a bucket in use", () => {
  it("is checked once per interval, however many claims are sent", async () => {
    const { clock, live, reads } = bucketWith();
    for (let step = 0; step < 1_000; step += 1) {
      expect(live.admit()).toBeUndefined();
      await clock.advanceAsync(20);
    }
    expect(reads()).toBe(3);
  });

  it("is checked every second while it is nearly full", async () => {
    const { clock, now, live, reads } = bucketWith();
    now.bytes = 900;
    for (let step = 0; step < 1_000; step += 1) {
      void live.admit();
      await clock.advanceAsync(20);
    }
    expect(reads()).toBeGreaterThan(12);
  });

  it("is checked before the first claim after an idle time", async () => {
    const { clock, now, admitted } = bucketWith(10);
    await clock.advanceAsync(60_000);
    now.isRight = false;
    expect(await admitted()).toBe(false);
  });

  it("is used on while it cannot be read", async () => {
    const { clock, now, live, admitted } = bucketWith();
    now.isReachable = false;
    live.noteRefusedWrite();
    expect(await admitted()).toBe(true);
    await clock.advanceAsync(60_000);
    expect(await admitted()).toBe(true);
  });

  it("stays refused while it cannot be read", async () => {
    const { clock, now, live, admitted } = bucketWith();
    now.isRight = false;
    live.noteRefusedWrite();
    expect(await admitted()).toBe(false);
    now.isReachable = false;
    await clock.advanceAsync(60_000);
    expect(await admitted()).toBe(false);
  });

  it("lets no claim pass between a refused write and a check that began after it", async () => {
    const step = fc.constantFrom("claim", "refuse", "edit", "repair", "pass");
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.constantFrom(0, 30), async (steps, readMs) => {
        const { clock, now, live } = bucketWith(readMs);
        const wrong: string[] = [];
        const claims: Promise<void>[] = [];
        /** True from an edit of which a later refusal warned, until a repair. */
        let mustRefuse = false;
        for (const one of steps) {
          if (one === "refuse") {
            live.noteRefusedWrite();
            mustRefuse = !now.isRight;
          } else if (one === "edit") now.isRight = false;
          else if (one === "repair") {
            now.isRight = true;
            mustRefuse = false;
          } else if (one === "pass") await clock.advanceAsync(25);
          else {
            const isWarned = mustRefuse;
            const admission = live.admit();
            if (admission === undefined && isWarned) wrong.push("a claim passed without a check");
            if (admission !== undefined) claims.push(admission.catch(() => {}));
          }
        }
        await clock.advanceAsync(1_000);
        await Promise.all(claims);
        expect(wrong).toEqual([]);
      }),
    );
  });

  it("reports each change of its judgement once", async () => {
    const { clock, now, live, judgements, admitted } = bucketWith();
    for (const isRight of [false, true, false]) {
      now.isRight = isRight;
      live.noteRefusedWrite();
      for (let claims = 0; claims < 5; claims += 1) {
        await admitted();
        await clock.advanceAsync(600);
      }
    }
    expect(judgements.map((judgement) => judgement.refusal !== undefined)).toEqual([true, false, true]);
  });
});
