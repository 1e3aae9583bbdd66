import { setTimeout as pause } from "node:timers/promises";
import { between, seeded } from "../../src/cli/demo/random.ts";
import type { HistoryRecorder } from "../../src/testing/record/recorder.ts";
import { wholeTurn } from "./event-loop.ts";
import { machineMs } from "./machine-clock.ts";

/** What one attempt at an effect is like. */
export interface EffectPlan {
  readonly lastsMs: number;
  /** Throws when its time is over, rather than end well. */
  readonly fails: boolean;
  /** Goes on when its signal tells it to stop, as a handler that does not listen to it. */
  readonly isStubborn: boolean;
}

/** What the effects of a campaign are like: the shares of those that take a while, that outlast their lease, and so on. */
export interface EffectMix {
  readonly slow: number;
  readonly long: number;
  readonly failing: number;
  readonly stubborn: number;
  /** How many leases the longest last. */
  readonly leases: number;
}

/** Most effects are short, some take a while, and some need their lease renewed. */
export const usualEffects: EffectMix = { slow: 0.14, long: 0.06, failing: 0.06, stubborn: 0.4, leases: 2 };

/** The same for the same attempt at the same event. */
export function planEffect(mix: EffectMix, seed: number, event: string, attempt: number, leaseMs: number): EffectPlan {
  const chance = seeded(seedOf(`${seed}/${event}/${attempt}`));
  const kind = chance();
  const lastsMs =
    kind < mix.long
      ? between(chance, leaseMs, mix.leases * leaseMs)
      : kind < mix.long + mix.slow
        ? between(chance, 100, 800)
        : between(chance, 0, 40);
  return { lastsMs, fails: chance() < mix.failing, isStubborn: chance() < mix.stubborn };
}

/** What an effect is given, and how it is told apart. */
export interface EffectTerms {
  readonly event: string;
  readonly effect: number;
  readonly fence: number;
  readonly attempt: number;
  readonly delivery: number;
  readonly signal: AbortSignal;
}

const LOOK_EVERY_MS = 100;

/** The effect of this harness: tells the endpoint when it begins and ends, and looks at its signal in between. */
export async function perform(
  plan: EffectPlan,
  { signal, ...terms }: EffectTerms,
  {
    process,
    endpoint,
    recorder,
  }: { readonly process: string; readonly endpoint: string; readonly recorder: HistoryRecorder },
): Promise<void> {
  const tell = async (phase: "begin" | "end"): Promise<void> => {
    const body = JSON.stringify({ phase, process, ...terms });
    const { ok } = await fetch(endpoint, { method: "POST", body });
    if (!ok) throw new Error("The endpoint refused an effect");
  };
  const { event, effect, fence } = terms;
  const turnMs = await wholeTurn();
  signal.throwIfAborted();
  recorder.note({ type: "effect.began", event, effect, name: "effect", fence, hasSignal: true, turnMs });
  const told = (): void => recorder.note({ type: "effect.told", event, effect });
  signal.addEventListener("abort", told, { once: true });
  let failed = true;
  try {
    await tell("begin");
    const endsMs = machineMs() + plan.lastsMs;
    while (machineMs() < endsMs) {
      await pause(Math.min(LOOK_EVERY_MS, endsMs - machineMs()));
      const turnMs = await wholeTurn();
      if (!signal.aborted) recorder.note({ type: "effect.looked", event, effect, turnMs });
      else if (!plan.isStubborn) signal.throwIfAborted();
    }
    if (plan.fails) throw new Error("The effect fails");
    await tell("end");
    failed = false;
  } finally {
    signal.removeEventListener("abort", told);
    recorder.note({ type: "effect.ended", event, effect, failed });
  }
}

function seedOf(text: string): number {
  let seed = 0x811c9dc5;
  for (const character of text) seed = Math.imul(seed ^ Number(character.codePointAt(0)), 0x01000193);
  return seed >>> 0;
}
