import { packed, unpacked } from "./packed.ts";
import type { WorldStep, Worlds } from "./world.ts";

/** Graph of all worlds of a scope. Worlds are numbered in the order of discovery. */
export interface Explored {
  /** Packed worlds, by number. */
  readonly worlds: readonly string[];
  /** World from which each world was first reached. */
  readonly parents: Int32Array;
  /** Index into `next`: the successors of world `n` are at `from[n]` up to, not including, `from[n + 1]`. */
  readonly from: Int32Array;
  readonly next: Int32Array;
  /** 1 if a step can repeat without end: a renewal, or a fault without a limit. */
  readonly isEndless: Uint8Array;
  /** A violation with the shortest path from the initial world, and the world in which it happens. */
  readonly violation: { readonly at: number; readonly step: WorldStep } | undefined;
}

/**
 * Explores all worlds of a scope, breadth first, until a step violates a guarantee.
 * @throws {RangeError} If the scope has more than `maxWorlds` worlds.
 */
export function explore(scope: Worlds, maxWorlds = 3_000_000): Explored {
  const numbers = new Map<string, number>();
  const worlds: string[] = [];
  const parents = new Numbers();
  const from = new Numbers();
  const next = new Numbers();
  const endless = new Numbers();
  const numberOf = (world: string, parent: number): number => {
    const known = numbers.get(world);
    if (known !== undefined) return known;
    const number = worlds.push(world) - 1;
    if (number >= maxWorlds) throw new RangeError(`The scope has more than ${maxWorlds} worlds`);
    numbers.set(world, number);
    parents.push(parent);
    return number;
  };
  const explored = (violation: Explored["violation"]): Explored => {
    from.push(next.length);
    const isEndless = Uint8Array.from(endless.all());
    return { worlds, parents: parents.all(), from: from.all(), next: next.all(), isEndless, violation };
  };
  numberOf(packed(scope.begin()), -1);
  for (let at = 0; at < worlds.length; at += 1) {
    from.push(next.length);
    for (const step of scope.stepsFrom(unpacked(worlds[at] ?? ""))) {
      if (step.violations.length > 0) return explored({ at, step });
      next.push(numberOf(packed(step.world), at));
      endless.push(step.isEndless ? 1 : 0);
    }
  }
  return explored(undefined);
}

/** Growing list of 32-bit integers. */
class Numbers {
  #numbers = new Int32Array(1 << 16);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(number: number): void {
    if (this.#length === this.#numbers.length) {
      const grown = new Int32Array(this.#length * 2);
      grown.set(this.#numbers);
      this.#numbers = grown;
    }
    this.#numbers[this.#length] = number;
    this.#length += 1;
  }

  all(): Int32Array {
    return this.#numbers.slice(0, this.#length);
  }
}
