import fc from "fast-check";
import { expect } from "vitest";
import { StoreUnavailableError } from "../../src/errors.ts";
import type * as Latchkey from "../../src/index.ts";
import { sleep } from "../../src/internal/clock.ts";
import { resolveIdentity } from "../../src/model/identity.ts";
import { SimulatedClock } from "../support/simulated-clock.ts";

export type Package = Pick<typeof Latchkey, "Deduplicator" | "memoryStore">;

const EVENT = resolveIdentity({ subscriptionId: "s", eventId: "e" });
const WINDOW_MS = 60_000;

/** Fate of the commits of one replica. */
const fates = ["stored", "stored, answer lost", "lost", "refused"] as const;
type Fate = (typeof fates)[number];
type Replica = 0 | 1;

export type Move =
  | { readonly move: "guard"; readonly replica: Replica; readonly handlerMs: number }
  | { readonly move: "fate"; readonly replica: Replica; readonly fate: Fate }
  | { readonly move: "clear" }
  | { readonly move: "pass"; readonly ms: number };

const replica = fc.constantFrom<Replica>(0, 0, 1);
/** The lease is a second. */
const handlerMs = fc.constantFrom(0, 0, 1_300);

export const anyMoves: fc.Arbitrary<readonly Move[]> = fc.array(
  fc.oneof(
    { arbitrary: fc.record({ move: fc.constant("guard"), replica, handlerMs }), weight: 5 },
    { arbitrary: fc.record({ move: fc.constant("fate"), replica, fate: fc.constantFrom(...fates) }), weight: 4 },
    { arbitrary: fc.record({ move: fc.constant("pass"), ms: fc.constantFrom(60, 1_300, 1_300, 4_000) }), weight: 5 },
    { arbitrary: fc.constant<Move>({ move: "clear" }), weight: 2 },
  ),
  { maxLength: 25 },
);

/**
 * Runs the moves on two replicas, and returns the violations. Either a replica dispatched again although it knew that its dispatch had
 * succeeded, or a commit undid a clear that had resolved before.
 */
export async function wrongIn(
  { Deduplicator, memoryStore }: Package,
  moves: readonly Move[],
): Promise<readonly string[]> {
  const clock = new SimulatedClock();
  const memory = memoryStore({ clock });
  const wrong: string[] = [];
  let order = 0;
  const clears: { readonly began: number; readonly ended: number }[] = [];

  const open = (name: string) => {
    let fate: Fate = "stored";
    let handlerBegan = 0;
    let finishedUntilMs = 0;
    const beganByFence = new Map<number, number>();
    const fences = new Map<string, number>();
    const put: Latchkey.Store["put"] = async (key, record, how) => {
      const sent = ++order;
      if (record.state === "reserved") {
        const answer = await memory.put(key, record, how);
        if (answer.ok && !fences.has(record.token)) fences.set(record.token, answer.revision);
        return answer;
      }
      if (fate === "refused") throw new StoreUnavailableError("full", { ambiguous: false });
      if (fate === "lost") throw new StoreUnavailableError("no answer", { ambiguous: true });
      const answer = await memory.put(key, record, how);
      const began = beganByFence.get(fences.get(record.token) ?? 0) ?? handlerBegan;
      if (answer.ok && clears.some((clear) => began < clear.began && clear.ended < sent))
        wrong.push(`${name} undid a clear`);
      if (answer.ok && fate !== "stored") throw new StoreUnavailableError("no answer", { ambiguous: true });
      return answer;
    };
    const dedup = new Deduplicator({ store: { ...memory, put }, clock, leaseMs: 1_000, skewMs: 200, renew: false });
    return {
      decide: (next: Fate) => {
        fate = next;
      },
      forgive: () => {
        finishedUntilMs = 0;
      },
      guard: async (runsMs: number): Promise<void> => {
        let returnedAtMs = 0;
        const outcome = await dedup.guard(
          EVENT,
          async ({ fence }) => {
            if (clock.monotonicMs() < finishedUntilMs) wrong.push(`${name} dispatched again`);
            handlerBegan = ++order;
            beganByFence.set(fence, handlerBegan);
            if (runsMs > 0) await sleep(clock, runsMs, new AbortController().signal);
            returnedAtMs = clock.monotonicMs();
          },
          { windowMs: WINDOW_MS },
        );
        const isUnconfirmed = outcome.outcome === "dispatched" && outcome.commit === "unconfirmed";
        const wasCleared = clears.some(({ began }) => began > handlerBegan);
        if (isUnconfirmed && !wasCleared) finishedUntilMs = returnedAtMs + WINDOW_MS;
      },
    };
  };
  const replicas = [open("a"), open("b")] as const;
  const operator = new Deduplicator({ store: memory, clock });
  const clear = async (): Promise<void> => {
    const began = ++order;
    for (const { forgive } of replicas) forgive();
    await operator.clear(EVENT);
    clears.push({ began, ended: ++order });
  };

  const underWay: Promise<unknown>[] = [];
  for (const move of moves) {
    if (move.move === "pass") await clock.advanceAsync(move.ms);
    else if (move.move === "clear") underWay.push(clear());
    else if (move.move === "fate") replicas[move.replica].decide(move.fate);
    // A replica that remembers its dispatch, and cannot commit it, rejects.
    else underWay.push(replicas[move.replica].guard(move.handlerMs).catch(() => {}));
    await clock.advanceAsync(0);
  }
  await clock.advanceAsync(20_000);
  await Promise.all(underWay);
  return wrong;
}

/** Holds if no moves make a process repeat a finished dispatch, or undo a clear. */
export const nothingWrong = (of: Package) =>
  fc.asyncProperty(anyMoves, async (moves) => {
    expect(await wrongIn(of, moves)).toEqual([]);
  });
