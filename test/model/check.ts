import { counterexample } from "./counterexample.ts";
import { explore } from "./explore.ts";
import { unpacked } from "./packed.ts";
import { circling, dead, leadingTo } from "./progress.ts";
import { registerOf, type Violation } from "./register.ts";
import { described, type Scope } from "./scope.ts";
import type { Machine, Transition } from "./stepped-machine.ts";
import { Worlds } from "./world.ts";

/** Result of the check of one scope. */
export interface Checked {
  readonly worlds: number;
  readonly steps: number;
  readonly seconds: number;
  /** Number of different steps of the machine, taken by both XState and the compiled table. */
  readonly machineSteps: number;
  /** The machine's transitions that were taken, by the innermost state in which it was. */
  readonly reached: ReadonlyMap<string, ReadonlySet<Transition>>;
  /** Violated guarantees of a step. `shown` is the shortest path to it, as text. */
  readonly violations: readonly Violation[];
  readonly shown: string;
}

/** Searches every world of a scope for a violated guarantee, and for a world without a good end. */
export function check(machine: Machine, scope: Scope): Checked {
  const beganMs = performance.now();
  const worlds = new Worlds(machine, scope);
  const explored = explore(worlds);
  const found = explored.violation;
  const stuck = found === undefined ? lackOfProgress(explored) : undefined;
  const at = found?.at ?? stuck?.at;
  return {
    worlds: explored.worlds.length,
    steps: explored.next.length,
    seconds: (performance.now() - beganMs) / 1_000,
    machineSteps: worlds.machine.steps,
    reached: worlds.machine.reached,
    violations: found?.happening.violations ?? (stuck === undefined ? [] : [{ guarantee: "G4", what: stuck.what }]),
    shown: at === undefined ? "" : counterexample(worlds, explored, at, found?.happening),
  };
}

/**
 * Everything ends unless a handler or the faults continue forever: no world is reached twice on a path. Every end is a good one:
 * all deliveries are settled, and no reservation remains. As long as there is another delivery, the event can be committed.
 */
function lackOfProgress(
  explored: ReturnType<typeof explore>,
): { readonly at: number; readonly what: string } | undefined {
  const [again] = circling(explored);
  if (again !== undefined) return { at: again, what: "something goes on for ever, without a renewal or a fault" };
  const { worlds } = explored;
  const bad = dead(explored).find((at) => {
    const { deliveriesLeft, attempts, register } = unpacked(worlds[at] ?? "");
    return deliveriesLeft > 0 || attempts.length > 0 || registerOf(register).holds === "reservation";
  });
  if (bad !== undefined) return { at: bad, what: "nothing can happen any more, and not everything is settled" };
  const committed = worlds.flatMap((world, at) =>
    registerOf(unpacked(world).register).holds === "commit" ? [at] : [],
  );
  const leads = leadingTo(explored, committed);
  const lost = worlds.findIndex((world, at) => leads[at] === 0 && unpacked(world).deliveriesLeft > 0);
  return lost < 0 ? undefined : { at: lost, what: "the event can never be committed, however often it is delivered" };
}

/** One line for a summary. */
export function summary(scope: Scope, { worlds, steps, seconds }: Checked): string {
  const count = (many: number): string => many.toLocaleString("en").padStart(9);
  return `${count(worlds)} worlds ${count(steps)} steps ${seconds.toFixed(1).padStart(5)} s  ${described(scope)}`;
}
