import { setImmediate as endOfTurn } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { StoreUnavailableError } from "../../../src/errors.ts";
import type { Revision } from "../../../src/model/store.ts";
import { WriteQueue, type Written } from "../../../src/nats/kv/write-queue.ts";
import type { WriteAnswer } from "../../../src/nats/wire/bucket-writer.ts";
import type { CompareAndSet } from "../../../src/nats/wire/compare-and-set.ts";
import { apiCodes } from "../../../src/nats/wire/error-codes.ts";

/** What becomes of what was sent, be it one write or a batch. */
type Fate = "stored" | "conflict" | "failed on its way" | "not sent" | "no answer";
const fate = fc.constantFrom<Fate>("stored", "stored", "conflict", "failed on its way", "not sent", "no answer");

type Doing =
  /** Each of them may be followed by others, which are asked for when it is answered. */
  | {
      readonly type: "ask";
      readonly count: number;
      readonly follow: number;
      readonly keys: number;
      readonly length: number;
    }
  | { readonly type: "answer"; readonly index: number; readonly fate: Fate }
  /** What is sent from now on is answered before it is known to be sent; or no longer. */
  | { readonly type: "answer at once"; readonly fate: Fate | undefined }
  | { readonly type: "batches from"; readonly load: number }
  | { readonly type: "turn" }
  | { readonly type: "wait"; readonly ms: number };

const asking = fc.record({
  type: fc.constant("ask" as const),
  count: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 20 }) }, fc.constantFrom(127, 128, 1_100)),
  follow: fc.nat(2),
  keys: fc.integer({ min: 1, max: 400 }),
  length: fc.constantFrom(1, 1, 9_000, 70_000),
});
const doing: fc.Arbitrary<Doing> = fc.oneof(
  { weight: 5, arbitrary: asking },
  { weight: 6, arbitrary: fc.record({ type: fc.constant("answer" as const), index: fc.nat(30), fate }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant("answer at once" as const), fate: fc.option(fate, { nil: undefined }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant("batches from" as const), load: fc.constantFrom(0, 4, 16, 10_000) }),
  },
  { weight: 4, arbitrary: fc.constant({ type: "turn" as const }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("wait" as const), ms: fc.constantFrom(1, 999, 1_000) }) },
);

interface Asked {
  readonly answers: Written[];
  /** What the server made of it, each time that it was sent. */
  readonly truths: Fate[];
  isSent: boolean;
}

/** A lane, and a server that does as it is told. */
class Playground {
  batchesFrom = 10_000;
  atOnce: Fate | undefined;
  load = 0;
  readonly unanswered: Array<(fate: Fate) => void> = [];
  readonly asked: Asked[] = [];
  readonly #lane: WriteQueue;

  constructor() {
    const publish = (write: CompareAndSet, onAnswer: (answer: WriteAnswer) => void): void =>
      this.#send([write], (end) => onAnswer(answerOf(end, write)));
    const settle = async (_: CompareAndSet, answer: WriteAnswer): Promise<Revision | undefined> => {
      if (answer instanceof Error) throw answer;
      return typeof answer === "number" ? answer : undefined;
    };
    const write = async (one: CompareAndSet): Promise<Revision | undefined> =>
      settle(one, await new Promise<WriteAnswer>((resolve) => publish(one, resolve)));
    this.#lane = new WriteQueue({
      bucket: "b",
      writer: { publish, settle, write },
      choice: {
        wayFor: (load) => (load >= this.batchesFrom ? "in batches" : "singly"),
        began: (load) => {
          expect(load).toBe(this.load);
          this.load += 1;
          return load;
        },
        ended: () => {
          this.load -= 1;
        },
      },
      sendBatch: (writes, onOutcome) => {
        expect(new Set(writes.map(({ key }) => key)).size).toBe(writes.length);
        expect(writes.length).toBeGreaterThan(1);
        this.#send(writes, (end) => {
          if (end === "stored") onOutcome({ type: "stored", revisions: writes.map(revisionOf) });
          else if (end === "no answer") onOutcome({ type: "unknown", error: errorOf(end) });
          else onOutcome({ type: "refused", certain: end !== "failed on its way" });
        });
      },
    });
  }

  ask(how: Doing & { readonly type: "ask" }): void {
    for (let count = 0; count < how.count; count += 1) {
      const id = this.asked.length;
      const one: Asked = { answers: [], truths: [], isSent: false };
      this.asked.push(one);
      const payload = "x".repeat(how.length);
      const write = { key: `${id % how.keys}`, expected: id, payload, ttlSeconds: 1, operation: "put" } as const;
      this.#lane.write(write, (written) => {
        one.answers.push(written);
        if (how.follow > 0 && id % 3 === 0) this.ask({ ...how, count: 1, follow: how.follow - 1 });
      });
    }
  }

  #send(writes: readonly CompareAndSet[], end: (fate: Fate) => void): void {
    const members = writes.map(({ expected }) => this.asked[expected]);
    for (const member of members) if (member !== undefined) member.isSent = true;
    const ends = (how: Fate): void => {
      for (const member of members) member?.truths.push(how);
      end(how);
    };
    if (this.atOnce === undefined) this.unanswered.push(ends);
    else ends(this.atOnce);
  }
}

const revisionOf = ({ expected }: CompareAndSet): number => expected + 1_000_000;
const errorOf = (end: Fate): StoreUnavailableError =>
  new StoreUnavailableError(end, { ambiguous: end === "no answer" || end === "failed on its way" });

function answerOf(end: Fate, write: CompareAndSet): WriteAnswer {
  if (end === "stored") return revisionOf(write);
  return end === "conflict" ? { code: 400, err_code: apiCodes.wrongLastSequence, description: end } : errorOf(end);
}

/** What a write has to be told after all that became of it. */
function isRight({ answers, truths }: Asked, id: number): boolean {
  const [answer] = answers;
  const last = truths.at(-1);
  if (last === "stored") return answer === id + 1_000_000;
  if (last !== "conflict") return answer instanceof StoreUnavailableError && answer.message === last;
  // It may be the write itself that it met.
  return truths.length > 1 && truths[0] === "failed on its way"
    ? answer instanceof StoreUnavailableError && answer.ambiguous
    : answer === undefined;
}

describe("a lane", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  afterEach(() => void vi.useRealTimers());

  it("sends every write, whatever is not answered, and answers each once, with what became of it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(doing, { minLength: 5, maxLength: 60 }), fate, async (steps, rest) => {
        const here = new Playground();
        for (const step of steps) {
          if (step.type === "ask") here.ask(step);
          else if (step.type === "answer") here.unanswered.splice(step.index, 1)[0]?.(step.fate);
          else if (step.type === "answer at once") here.atOnce = step.fate;
          else if (step.type === "batches from") here.batchesFrom = step.load;
          else if (step.type === "turn") await endOfTurn();
          else vi.advanceTimersByTime(step.ms);
        }
        here.atOnce = undefined;
        await endOfTurn();
        while (here.asked.some(({ isSent }) => !isSent)) {
          const left = here.asked.filter(({ isSent }) => !isSent).length;
          vi.advanceTimersByTime(1_000);
          await endOfTurn();
          expect(here.asked.filter(({ isSent }) => !isSent).length).toBeLessThan(left);
        }
        here.batchesFrom = 10_000;
        for (let n = 0; here.load > 0 && n < 100; n += 1) {
          for (const end of here.unanswered.splice(0)) end(rest);
          await endOfTurn();
        }
        for (const [id, one] of here.asked.entries()) {
          expect(one.answers).toHaveLength(1);
          expect(one).toSatisfy(() => isRight(one, id));
        }
        expect(here.load).toBe(0);
        vi.advanceTimersByTime(1_000);
        expect(vi.getTimerCount()).toBe(0);
      }),
      { numRuns: 100 },
    );
  });
});
