import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Timer, TimerQueue } from "../../src/internal/timer-queue.ts";
import { BlockableClock } from "../support/replicas.ts";
import { SimulatedClock } from "../support/simulated-clock.ts";

function queue(): { clock: SimulatedClock; deadlines: TimerQueue; ran: string[]; add: (atMs: number) => Timer } {
  const clock = new SimulatedClock();
  const deadlines = new TimerQueue(clock);
  const ran: string[] = [];
  const add = (atMs: number): Timer => deadlines.add(atMs, () => ran.push(`${atMs} at ${clock.monotonicMs()}`));
  return { clock, deadlines, ran, add };
}

describe("a timer of the queue", () => {
  it("runs when it is due, and not before", () => {
    const { clock, ran, add } = queue();
    add(1_000);
    clock.advance(999);
    expect(ran).toEqual([]);
    clock.advance(1);
    expect(ran).toEqual(["1000 at 1000"]);
    clock.advance(10_000);
    expect(ran).toHaveLength(1);
  });

  it("runs immediately when it is overdue, but never inside `add`", () => {
    const { clock, ran, add } = queue();
    clock.advance(1_000);
    add(500);
    expect(ran).toEqual([]);
    clock.advance(0);
    expect(ran).toEqual(["500 at 1000"]);
  });

  it("does not run after it is cancelled; another cancel has no effect", () => {
    const { clock, ran, add } = queue();
    const [one, two, three] = [add(1_000), add(2_000), add(3_000)];
    one.cancel();
    one.cancel();
    clock.advance(2_000);
    two.cancel();
    clock.advance(1_000);
    three.cancel();
    expect(ran).toEqual(["2000 at 2000", "3000 at 3000"]);
  });

  it("may cancel another timer, and add more", () => {
    const { clock, deadlines, ran, add } = queue();
    const other = add(1_000.5);
    deadlines.add(1_000, () => {
      other.cancel();
      add(1_000);
      add(1_500);
    });
    clock.advance(999);
    clock.advance(1_001);
    expect(ran).toEqual(["1000 at 1000", "1500 at 1500"]);
  });
});

describe("a timer queue", () => {
  it("has one clock timer while it waits, and none when it is empty", () => {
    const { clock, add } = queue();
    expect(clock.timers).toBe(0);
    const all = [5_000, 3_000, 4_000, 1_000, 2_000].map(add);
    expect(clock.timers).toBe(1);
    clock.advance(2_500);
    expect(clock.timers).toBe(1);
    for (const one of all) one.cancel();
    expect(clock.timers).toBe(0);
    add(6_000);
    expect(clock.timers).toBe(1);
    clock.advance(10_000);
    expect(clock.timers).toBe(0);
  });

  it("runs due timers on request when the clock timer is late", () => {
    const simulated = new SimulatedClock();
    const clock = new BlockableClock(simulated);
    const deadlines = new TimerQueue(clock);
    const ran: number[] = [];
    for (const atMs of [3_000, 1_000, 2_000]) deadlines.add(atMs, () => ran.push(atMs));
    clock.block();
    simulated.advance(2_000);
    expect(ran).toEqual([]);
    deadlines.runDue();
    expect(ran).toEqual([1_000, 2_000]);
    clock.unblock();
    expect(ran).toEqual([1_000, 2_000]);
    simulated.advance(1_000);
    expect(ran).toEqual([1_000, 2_000, 3_000]);
    expect(simulated.timers).toBe(0);
  });

  type Step =
    | { readonly type: "add"; readonly inMs: number }
    | { readonly type: "cancel"; readonly index: number }
    | { readonly type: "advance"; readonly ms: number };
  const anyStep: fc.Arbitrary<Step> = fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: -5, max: 50 }).map((inMs) => ({ type: "add" as const, inMs })) },
    { weight: 2, arbitrary: fc.nat(40).map((index) => ({ type: "cancel" as const, index })) },
    { weight: 2, arbitrary: fc.nat(20).map((ms) => ({ type: "advance" as const, ms })) },
  );
  const anySteps = fc.array(anyStep, { maxLength: 80 });

  it("runs every timer that is not cancelled once, on time and in order, with one clock timer", () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        const clock = new SimulatedClock();
        const deadlines = new TimerQueue(clock);
        const expected = new Map<number, number>();
        const added: Timer[] = [];
        const ran: Array<{ id: number; atMs: number; nowMs: number }> = [];
        const check = (): void => {
          const nowMs = clock.monotonicMs();
          const due = [...expected].filter(([, atMs]) => atMs <= nowMs);
          expect(ran.map(({ id }) => id).sort()).toEqual(due.map(([id]) => id).sort());
          for (const [id] of due) expected.delete(id);
          for (let index = 1; index < ran.length; index += 1) {
            expect(ran[index]?.nowMs).toBeGreaterThanOrEqual(ran[index - 1]?.nowMs ?? 0);
          }
          ran.length = 0;
          expect(clock.timers).toBe(expected.size === 0 ? 0 : 1);
        };
        for (const step of steps) {
          if (step.type === "add") {
            const id = added.length;
            const atMs = clock.monotonicMs() + step.inMs;
            const addedAtMs = clock.monotonicMs();
            expected.set(id, atMs);
            added.push(
              deadlines.add(atMs, () => {
                const nowMs = clock.monotonicMs();
                expect(nowMs).toBe(Math.max(atMs, addedAtMs));
                ran.push({ id, atMs, nowMs });
              }),
            );
          } else if (step.type === "cancel") {
            added[step.index]?.cancel();
            expected.delete(step.index);
          } else {
            clock.advance(step.ms);
            check();
          }
        }
        clock.advance(100);
        check();
        expect(expected.size).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  /** An action that a timer or the test performs. */
  type Action = { readonly add: number } | { readonly cancel: number } | "run what is due";
  const anyAction: fc.Arbitrary<Action> = fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 1, max: 80 }).map((add) => ({ add })) },
    { weight: 4, arbitrary: fc.nat(60).map((cancel) => ({ cancel })) },
    { weight: 1, arbitrary: fc.constant("run what is due" as const) },
  );
  const scenario = fc.record({
    steps: fc.array(
      fc.oneof(
        anyAction,
        fc.nat(60).map((advance) => ({ advance })),
      ),
      { maxLength: 60 },
    ),
    whenRun: fc.array(fc.array(anyAction, { maxLength: 3 }), { minLength: 1, maxLength: 9 }),
  });

  it("runs timers in order, for any actions that they perform", () => {
    fc.assert(
      fc.property(scenario, ({ steps, whenRun }) => {
        const clock = new SimulatedClock();
        const deadlines = new TimerQueue(clock);
        const added: Timer[] = [];
        const left = new Map<number, number>();
        const act = (what: Action): void => {
          if (what === "run what is due") deadlines.runDue();
          else if ("cancel" in what) {
            added[what.cancel]?.cancel();
            left.delete(what.cancel);
          } else if (added.length < 200) {
            const id = added.length;
            // Every timer has its own time, because the order of equal times is undefined.
            const atMs = Math.floor(clock.monotonicMs()) + what.add + id / 1_024;
            left.set(id, atMs);
            const run = (): void => {
              expect(clock.monotonicMs()).toBe(atMs);
              expect(Math.min(...left.values())).toBe(left.get(id));
              left.delete(id);
              whenRun[id % whenRun.length]?.forEach(act);
            };
            added.push(deadlines.add(atMs, run));
          }
        };
        for (const step of steps) {
          if (typeof step === "object" && "advance" in step) clock.advance(step.advance);
          else act(step);
          expect(clock.timers).toBe(left.size === 0 ? 0 : 1);
        }
        clock.advance(100 * 200);
        expect(left.size).toBe(0);
        expect(clock.timers).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
