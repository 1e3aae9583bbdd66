import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import type { Store } from "../../../src/model/store.ts";
import type { NatsStore } from "../../../src/nats/index.ts";
import type { Sending } from "../../../src/nats/kv/bucket-store.ts";
import { openNatsStore } from "../../../src/nats/kv/nats-store.ts";
import { noteExplored } from "../../support/explored.ts";
import { type NatsFlaw, withFlaw } from "../../support/nats-guarantees-flaws.ts";
import { alwaysInBatches, alwaysSingly, type BatchFlaw, flawedBatches } from "../../support/nats-sending.ts";
import { realTime } from "../../support/nats-store-under-test.ts";
import { type Compared, compareWithMemory } from "../../support/store-comparison.ts";
import { anySequence, type Sequence } from "../../support/store-sequence.ts";
import { useNatsServer } from "../../support/use-nats-server.ts";

const SEQUENCES = 40;
/** Maximum delay of an expiry on the server, in milliseconds. It checks four times a second, less often on a busy machine. */
const LATE_MS = 20_000;

const nats = useNatsServer();
let buckets = 0;

function open(sending: Sending, shards = 1): Promise<NatsStore> {
  buckets += 1;
  return openNatsStore(nats.connection, { bucket: `answers-${buckets}`, storage: "memory", shards }, sending);
}

/** Compares a store with the memory store. A server counts times to live in whole seconds. */
function compare(store: Store, sequence: Sequence, lateMs = LATE_MS): Promise<Compared> {
  return compareWithMemory({ ...realTime(store), grainMs: 1_000, lateMs }, sequence);
}

describe("a bucket", () => {
  const explored = { sequences: 0, steps: 0, again: 0 };
  afterAll(() => {
    const { sequences, steps, again } = explored;
    const counts = `${sequences} sequences, ${steps} steps, no difference (asked again since time overtook them: ${again})`;
    noteExplored(`Buckets of NATS compared with the memory store: ${counts}`, []);
  });

  it.concurrent.each([
    ["singly", alwaysSingly, 1],
    ["singly, to three shards", alwaysSingly, 3],
    ["in batches", alwaysInBatches, 1],
    ["in batches, to three shards", alwaysInBatches, 3],
  ] as const)(
    "gives the same answers as the memory store for any sequence of requests, with writes sent %s",
    async (_, sending, shards) => {
      const store = await open(sending, shards);
      const sequences = fc.sample(anySequence, SEQUENCES);
      const compared = await Promise.all(sequences.map((sequence) => compare(store, sequence)));
      for (const { answers, tries } of compared) {
        explored.sequences += 1;
        explored.steps += answers.length;
        explored.again += tries - 1;
      }
      const different = sequences.find((_, index) => compared[index]?.isEqual === false);
      if (different === undefined) return;
      // If the difference also occurs without the other sequences, fast-check reports a minimal one.
      const sameAlone = fc.asyncProperty(anySequence, async (sequence) => {
        const { answers, ofMemory } = await compare(store, sequence);
        expect(answers).toEqual(ofMemory);
      });
      await fc.assert(sameAlone, { examples: [[different]], numRuns: 1 });
      expect.fail(`The answers differ only beside other sequences: ${fc.stringify(different)}`);
    },
  );
});

describe("the comparison with the memory store", () => {
  async function isFound(store: Store): Promise<boolean> {
    const sequences = fc.sample(anySequence, SEQUENCES);
    // A key that does not expire in time is a difference, so the limit is short.
    const compared = await Promise.all(sequences.map((sequence) => compare(store, sequence, 1_000)));
    return compared.some(({ isEqual }) => !isEqual);
  }

  it.concurrent.each<NatsFlaw>([
    "a write is not checked",
    "a removal is not checked",
    "a removal is confirmed without effect",
    "commits expire early",
    "reservations expire early",
    "a reservation is shown as a commit",
  ])("finds a difference if %s", async (flaw) => {
    const store = await open(alwaysSingly);
    expect(await isFound({ ...store, ...withFlaw(store, store, flaw) })).toBe(true);
  });

  it.concurrent.each<BatchFlaw>([
    "a refused batch counts as stored",
    "revisions are counted from the last message",
    "revisions are assigned in reverse order",
    "a conflict is reported as stored",
    "the first message is not sent",
  ])("finds a difference if %s", async (flaw) => {
    expect(await isFound(await open(flawedBatches(flaw)))).toBe(true);
  });
});
