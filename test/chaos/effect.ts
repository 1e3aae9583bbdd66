import { setTimeout as pause } from "node:timers/promises";
import { between, seeded } from "../../src/cli/demo/scenario/random.ts";
import type { HistoryRecorder } from "../../src/testing/record/history-recorder.ts";
import { wholeTurn } from "./event-loop.ts";
import { machineMs } from "./machine-clock.ts";

/** Behaviour of one attempt at an effect. */
export interface EffectPlan {
  readonly durationMs: number;
  /** Throws at the end. */
  readonly fails: boolean;
  /** Continues after its signal fires, like a handler that ignores it. */
  readonly ignoresSignal: boolean;
}

/** Shares of the effects of a campaign that are slow, outlast their lease, fail, or ignore their signal. */
export interface EffectMix {
  readonly slow: number;
  readonly long: number;
  readonly failing: number;
  readonly ignoringSignal: number;
  /** Duration of the longest effects, in leases. */
  readonly leases: number;
}

/** Most effects are short, some are slow, and some need their lease renewed. */
export const defaultEffects: EffectMix = { slow: 0.14, long: 0.06, failing: 0.06, ignoringSignal: 0.4, leases: 2 };

/** Returns the same plan for the same attempt at the same event. */
export function planEffect(mix: EffectMix, seed: number, event: string, attempt: number, leaseMs: number): EffectPlan {
  const chance = seeded(seedOf(`${seed}/${event}/${attempt}`));
  const kind = chance();
  const durationMs =
    kind < mix.long
      ? between(chance, leaseMs, mix.leases * leaseMs)
      : kind < mix.long + mix.slow
        ? between(chance, 100, 800)
        : between(chance, 0, 40);
  return { durationMs, fails: chance() < mix.failing, ignoresSignal: chance() < mix.ignoringSignal };
}

/** The reservation that an effect runs under, and what identifies the effect. */
export interface EffectContext {
  readonly event: string;
  readonly effect: number;
  readonly fence: number;
  readonly attempt: number;
  readonly delivery: number;
  readonly signal: AbortSignal;
}

const LOOK_EVERY_MS = 100;

/** Runs the effect of this harness: reports its begin and end to the endpoint, and checks its signal while it runs. */
export async function perform(
  plan: EffectPlan,
  { signal, ...context }: EffectContext,
  {
    process,
    endpoint,
    recorder,
  }: { readonly process: string; readonly endpoint: string; readonly recorder: HistoryRecorder },
): Promise<void> {
  const report = async (phase: "begin" | "end"): Promise<void> => {
    const body = JSON.stringify({ phase, process, ...context });
    const { ok } = await fetch(endpoint, { method: "POST", body });
    if (!ok) throw new Error("The endpoint refused an effect");
  };
  const { event, effect, fence } = context;
  const turnMs = await wholeTurn();
  signal.throwIfAborted();
  recorder.note({ type: "effect.began", event, effect, name: "effect", fence, hasSignal: true, turnMs });
  const noteSignal = (): void => recorder.note({ type: "effect.aborted", event, effect });
  signal.addEventListener("abort", noteSignal, { once: true });
  let failed = true;
  try {
    await report("begin");
    const endsMs = machineMs() + plan.durationMs;
    while (machineMs() < endsMs) {
      await pause(Math.min(LOOK_EVERY_MS, endsMs - machineMs()));
      const turnMs = await wholeTurn();
      if (!signal.aborted) recorder.note({ type: "effect.checked", event, effect, turnMs });
      else if (!plan.ignoresSignal) signal.throwIfAborted();
    }
    if (plan.fails) throw new Error("The effect fails");
    await report("end");
    failed = false;
  } finally {
    signal.removeEventListener("abort", noteSignal);
    recorder.note({ type: "effect.ended", event, effect, failed });
  }
}

function seedOf(text: string): number {
  let seed = 0x811c9dc5;
  for (const character of text) seed = Math.imul(seed ^ Number(character.codePointAt(0)), 0x01000193);
  return seed >>> 0;
}
