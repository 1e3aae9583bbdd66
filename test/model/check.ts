import { counterexample } from "./counterexample.ts";
import { explore } from "./explore.ts";
import { unpacked } from "./packed.ts";
import { cyclic, leadingTo, terminal } from "./progress.ts";
import { registerOf, type Violation } from "./register.ts";
import { described, type Scope } from "./scope.ts";
import type { Machine, Transition } from "./stepped-machine.ts";
import { Worlds } from "./world.ts";

/** Result of the check of one scope. */
export interface Checked {
  readonly worlds: number;
  readonly steps: number;
  readonly seconds: number;
  /** Number of distinct machine steps. XState and the compiled table both take each one. */
  readonly machineSteps: number;
  /** Transitions taken, by the innermost state of the machine. */
  readonly reached: ReadonlyMap<string, ReadonlySet<Transition>>;
  /** Guarantees that one step violates. `shown` is the shortest path to that step, as text. */
  readonly violations: readonly Violation[];
  readonly shown: string;
}

/** Searches every world of a scope for a violated guarantee, and for a world from which deliveries cannot settle. */
export function check(machine: Machine, scope: Scope): Checked {
  const startedAtMs = performance.now();
  const worlds = new Worlds(machine, scope);
  const explored = explore(worlds);
  const found = explored.violation;
  const stuck = found === undefined ? lackOfProgress(explored) : undefined;
  const at = found?.at ?? stuck?.at;
  return {
    worlds: explored.worlds.length,
    steps: explored.next.length,
    seconds: (performance.now() - startedAtMs) / 1_000,
    machineSteps: worlds.machine.steps,
    reached: worlds.machine.reached,
    violations: found?.step.violations ?? (stuck === undefined ? [] : [{ guarantee: "G4", what: stuck.what }]),
    shown: at === undefined ? "" : counterexample(worlds, explored, at, found?.step),
  };
}

/**
 * Returns the first world that violates liveness, if any. No path visits a world twice, except by renewals and unlimited faults.
 * In every final world all deliveries are settled and no reservation remains. While deliveries are left, a commit is reachable.
 */
function lackOfProgress(
  explored: ReturnType<typeof explore>,
): { readonly at: number; readonly what: string } | undefined {
  const [repeated] = cyclic(explored);
  if (repeated !== undefined) return { at: repeated, what: "a cycle contains neither a renewal nor a fault" };
  const { worlds } = explored;
  const bad = terminal(explored).find((at) => {
    const { deliveriesLeft, attempts, register } = unpacked(worlds[at] ?? "");
    return deliveriesLeft > 0 || attempts.length > 0 || registerOf(register).holds === "reservation";
  });
  if (bad !== undefined) return { at: bad, what: "no further step is possible, and a delivery is not settled" };
  const committed = worlds.flatMap((world, at) =>
    registerOf(unpacked(world).register).holds === "commit" ? [at] : [],
  );
  const leads = leadingTo(explored, committed);
  const lost = worlds.findIndex((world, at) => leads[at] === 0 && unpacked(world).deliveriesLeft > 0);
  return lost < 0 ? undefined : { at: lost, what: "the event can never be committed, despite further deliveries" };
}

/** Returns the line of a scope in the summary. */
export function summary(scope: Scope, { worlds, steps, seconds }: Checked): string {
  const count = (many: number): string => many.toLocaleString("en").padStart(9);
  return `${count(worlds)} worlds ${count(steps)} steps ${seconds.toFixed(1).padStart(5)} s  ${described(scope)}`;
}
