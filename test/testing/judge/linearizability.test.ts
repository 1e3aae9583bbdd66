import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { linearize } from "../../../src/testing/judge/linearizability.ts";
import {
  checkRegister,
  type RegisterOperation,
  type RegisterState,
  register,
} from "../../../src/testing/judge/register.ts";

type PutAnswer = Extract<RegisterOperation, { call: "put" }>["answer"];
type RemoveAnswer = Extract<RegisterOperation, { call: "remove" }>["answer"];

const NEVER = Number.POSITIVE_INFINITY;
const common = (invokedMs: number, returnedMs: number) => ({ key: "k", process: "p", invokedMs, returnedMs });
const put = (from: number, to: number, expected: number, value: string, answer: PutAnswer, ttlMs = 100) =>
  ({ ...common(from, to), call: "put", expected, value, ttlMs, answer }) as const;
const stored = (revision: number) => ({ type: "stored", revision }) as const;
const conflict = { type: "conflict" } as const;
const unknown = { type: "unknown" } as const;
const remove = (from: number, to: number, expected: number, answer: RemoveAnswer) =>
  ({ ...common(from, to), call: "remove", expected, answer }) as const;
const removed = { type: "removed" } as const;
const get = (from: number, to: number, held?: readonly [revision: number, value: string]): RegisterOperation => ({
  ...common(from, to),
  call: "get",
  answer: held === undefined ? { type: "nothing" } : { type: "held", revision: held[0], value: held[1] },
});

const isLinearizable = (...operations: readonly RegisterOperation[]): boolean => checkRegister(operations).length === 0;

describe("checkRegister with a linearizable history", () => {
  it("accepts an empty history", () => {
    expect(isLinearizable()).toBe(true);
  });

  it("accepts sequential writes, each over the one before", () => {
    expect(isLinearizable(put(0, 1, 0, "a", stored(5)), put(2, 3, 5, "b", stored(6)), get(4, 5, [6, "b"]))).toBe(true);
  });

  it("accepts concurrent writes in the order of their revisions", () => {
    expect(isLinearizable(put(0, 9, 5, "b", stored(6)), put(1, 8, 0, "a", stored(5)), get(2, 7))).toBe(true);
  });

  it("accepts a write without a response that took effect, did not, or did long after", () => {
    const lost = put(0, NEVER, 0, "a", unknown, 1_000);
    expect(isLinearizable(lost, get(2, 3, [5, "a"]))).toBe(true);
    expect(isLinearizable(lost, get(2, 3))).toBe(true);
    expect(isLinearizable(lost, get(2, 3), get(200, 201, [5, "a"]))).toBe(true);
    expect(isLinearizable(lost, put(2, 3, 5, "b", stored(6)))).toBe(true);
    expect(isLinearizable(lost, put(2, 3, 0, "b", stored(6)))).toBe(true);
  });

  it("accepts a removal without a response", () => {
    const first = put(0, 1, 0, "a", stored(5), 1_000);
    const lost = remove(2, NEVER, 5, unknown);
    expect(isLinearizable(first, lost, get(4, 5, [5, "a"]), get(6, 7))).toBe(true);
    expect(isLinearizable(first, lost, get(4, 5), put(6, 7, 0, "b", stored(7)))).toBe(true);
  });

  it("accepts an expiry at the end of the time to live, or at any later time", () => {
    const first = put(0, 5, 0, "a", stored(5));
    expect(isLinearizable(first, put(99, 100, 0, "b", stored(6)))).toBe(true);
    expect(isLinearizable(first, put(400, 401, 5, "b", stored(6)))).toBe(true);
    expect(isLinearizable(first, get(400, 401, [5, "a"]), put(402, 403, 0, "b", stored(6)))).toBe(true);
  });

  it("accepts a conflict with another entry, or with an unknown one", () => {
    expect(isLinearizable(put(0, 1, 0, "a", stored(5)), put(2, 3, 0, "b", conflict))).toBe(true);
    expect(isLinearizable(put(0, NEVER, 0, "a", unknown), put(2, 3, 7, "b", conflict))).toBe(true);
    expect(isLinearizable(put(2, 3, 7, "b", conflict))).toBe(true);
  });

  it("accepts a refused write that changes nothing", () => {
    expect(isLinearizable(put(0, 1, 0, "a", { type: "refused" }), get(2, 3))).toBe(true);
  });

  it("accepts a read of an earlier entry if reads may be outdated", () => {
    const history = [put(0, 1, 0, "a", stored(5)), put(2, 3, 5, "b", stored(6))];
    expect(isLinearizable(...history, get(Number.NEGATIVE_INFINITY, 9, [5, "a"]))).toBe(true);
    expect(isLinearizable(...history, get(4, 9, [5, "a"]))).toBe(false);
    expect(isLinearizable(...history, get(Number.NEGATIVE_INFINITY, 1.5, [6, "b"]))).toBe(false);
  });
});

describe("checkRegister with a wrong history", () => {
  const first = put(0, 1, 0, "a", stored(5));

  it.each<[string, readonly RegisterOperation[]]>([
    [
      "lets two writers win over the same revision",
      [first, put(2, 9, 5, "b", stored(6)), put(2, 9, 5, "c", stored(7))],
    ],
    ["lets two writers win over an empty key", [first, put(0, 9, 0, "b", stored(6))]],
    ["expires a record before its time to live", [first, put(50, 99, 0, "b", stored(6))]],
    ["loses a write that it acknowledged", [first, get(2, 3)]],
    ["shows a value that was never written", [first, get(2, 3, [5, "b"])]],
    ["shows a revision before it was written", [get(-2, -1, [5, "a"]), first]],
    ["returns a revision below the one before", [first, put(2, 3, 5, "b", stored(4))]],
    ["uses a revision twice", [first, remove(2, 3, 5, removed), put(4, 5, 0, "b", stored(5))]],
    ["refuses a write over the current revision", [first, put(2, 3, 5, "b", conflict)]],
    ["refuses a write to an empty key", [put(2, 3, 0, "b", conflict)]],
    ["removes an entry that does not exist", [first, remove(2, 3, 4, removed)]],
    ["keeps an entry that it removed", [first, remove(2, 3, 5, removed), get(4, 5, [5, "a"])]],
    ["lets a late write overwrite another one", [put(0, NEVER, 0, "x", unknown), first, get(2, 3, [6, "x"])]],
    [
      "shows one write without a response under two revisions",
      [put(0, NEVER, 0, "a", unknown), get(1, 2, [5, "a"]), get(3, 4, [6, "a"])],
    ],
    [
      "loses a write without a response after a read showed it",
      [put(0, NEVER, 0, "a", unknown), get(1, 2, [5, "a"]), get(3, 4)],
    ],
  ])("rejects a register that %s", (_, history) => {
    expect(isLinearizable(...history)).toBe(false);
  });

  it("names the key and the longest order of a failure", () => {
    const second = put(2, 3, 0, "b", stored(6));
    const other = { ...first, key: "other" };
    expect(checkRegister([first, other, second])).toEqual([{ key: "k", order: [first], stuck: [second] }]);
  });
});

describe("linearize", () => {
  const time = fc.nat({ max: 12 });
  const operation = fc
    .record({
      from: time,
      lasts: time,
      call: fc.constantFrom("put", "remove", "get"),
      expected: fc.nat({ max: 3 }),
      revision: fc.integer({ min: 1, max: 4 }),
      value: fc.constantFrom("a", "b"),
      ttlMs: fc.constantFrom(2, 5, 50),
      answer: fc.constantFrom("stored", "stored", "conflict", "unknown"),
    })
    .map(({ from, lasts, call, expected, revision, value, ttlMs, answer }): RegisterOperation => {
      const to = answer === "unknown" && call !== "get" ? NEVER : from + lasts;
      const write = answer === "stored" ? stored(revision) : answer === "conflict" ? conflict : unknown;
      if (call === "put") return put(from, to, expected, value, write, ttlMs);
      if (call === "remove") return remove(from, to, expected, write.type === "stored" ? removed : write);
      return answer === "stored" ? get(from, to, [revision, value]) : get(from, to);
    });

  it("finds an order exactly when trying all orders does", () => {
    let found = 0;
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 5 }), (history) => {
        const expected = triedAll(history);
        if (expected && history.length > 2) found += 1;
        expect(linearize(history, register).found).toBe(expected);
      }),
      { numRuns: 3_000 },
    );
    expect(found).toBeGreaterThan(20);
  });

  it("finds an order of the operations of a real register, however long their responses took", () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.array(fc.nat({ max: 40 }), { minLength: 120, maxLength: 120 }),
        (steps, delays) => {
          const history = historyOf(steps, delays);
          expect(checkRegister(history)).toEqual([]);
        },
      ),
    );
  });

  it("finds every result that was changed to an impossible one", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
        const history = historyOf(steps, []);
        const at = history.findIndex(({ answer }) => answer.type === "stored");
        fc.pre(at !== -1);
        const twice = history.flatMap((one, index) => (index === at ? [one, one] : [one]));
        expect(checkRegister(twice)).toHaveLength(1);
      }),
    );
  });

  it("checks 2,000 operations on one contended key", () => {
    const history: RegisterOperation[] = [];
    for (let round = 0; round < 2_000; round += 1) {
      history.push(put(round * 10, round * 10 + 15, round, `v${round}`, stored(round + 1), 1e9));
      if (round % 50 === 0) history.push(put(round * 10, NEVER, round, `u${round}`, unknown, 1e9));
    }
    expect(checkRegister(history)).toEqual([]);
    expect(checkRegister([...history, put(0, 20_020, 1_000, "again", stored(3_000), 1e9)])).toHaveLength(1);
  });
});

/** Returns true if any order explains the history. Tries all orders and all possible times of expiry. */
function triedAll(history: readonly RegisterOperation[]): boolean {
  const place = (state: RegisterState, left: readonly RegisterOperation[]): boolean => {
    if (left.every(({ returnedMs }) => returnedMs === NEVER)) return true;
    return left.some((next, index) => {
      const others = left.toSpliced(index, 1);
      // An operation that returned before `next` started must come before it.
      if (others.some(({ returnedMs }) => returnedMs < next.invokedMs)) return false;
      return register.after(state, next).some((after) => place(after, others));
    });
  };
  return place(register.initial, history);
}

type Step = {
  readonly pauseMs: number;
  readonly kind: "put" | "wrong put" | "remove" | "get" | "end";
  readonly isAnswered: boolean;
};
const step: fc.Arbitrary<Step> = fc.record({
  pauseMs: fc.nat({ max: 30 }),
  kind: fc.constantFrom("put", "put", "wrong put", "remove", "get", "end"),
  isAnswered: fc.boolean(),
});

/** Returns the callers' view of a register that ran the steps one after another. Each call starts and returns with a delay. */
function historyOf(steps: readonly Step[], delays: readonly number[]): readonly RegisterOperation[] {
  const history: RegisterOperation[] = [];
  let nowMs = 0;
  let revision = 0;
  let held: { readonly revision: number; readonly value: string; readonly endsMs: number } | undefined;
  for (const [index, { pauseMs, kind, isAnswered }] of steps.entries()) {
    nowMs += pauseMs + 1;
    const from = nowMs - (delays[2 * index] ?? 0);
    const to = nowMs + (delays[2 * index + 1] ?? 0);
    const expected = held?.revision ?? 0;
    const value = `v${index}`;
    if (kind === "get") history.push(get(from, to, held && [held.revision, held.value]));
    if (kind === "wrong put") history.push(put(from, to, expected + 1, value, conflict));
    if (kind === "end" && held !== undefined && held.endsMs <= nowMs) held = undefined;
    if (kind === "remove" && held !== undefined) {
      held = undefined;
      revision += 1;
      history.push(isAnswered ? remove(from, to, expected, removed) : remove(from, NEVER, expected, unknown));
    }
    if (kind === "put") {
      revision += 1;
      held = { revision, value, endsMs: nowMs + 50 };
      history.push(put(from, isAnswered ? to : NEVER, expected, value, isAnswered ? stored(revision) : unknown, 50));
    }
  }
  return history;
}
