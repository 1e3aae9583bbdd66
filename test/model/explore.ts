import { packed, unpacked } from "./packed.ts";
import type { Happening, Worlds } from "./world.ts";

/** All worlds of a scope, by number in the order in which they were found, and which follow which. */
export interface Explored {
  /** Packed. */
  readonly worlds: readonly string[];
  /** World from which each world was first reached. */
  readonly parents: Int32Array;
  /** The worlds that follow world `n`: those in `next` from `from[n]` up to `from[n + 1]`. */
  readonly from: Int32Array;
  readonly next: Int32Array;
  /** 1 if a step can repeat without end: a renewal, or a fault without a limit. */
  readonly isEndless: Uint8Array;
  /** The first thing that went wrong, and the world in which it happened: none is nearer to the beginning. */
  readonly violation: { readonly at: number; readonly happening: Happening } | undefined;
}

/**
 * Goes through all worlds of a scope, breadth first, until a guarantee is violated.
 * @throws {RangeError} for more worlds than `most`.
 */
export function explore(scope: Worlds, most = 3_000_000): Explored {
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
    if (number >= most) throw new RangeError(`There are more than ${most} worlds`);
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
    for (const happening of scope.happenings(unpacked(worlds[at] ?? ""))) {
      if (happening.violations.length > 0) return explored({ at, happening });
      next.push(numberOf(packed(happening.world), at));
      endless.push(happening.isEndless ? 1 : 0);
    }
  }
  return explored(undefined);
}

/** Whole numbers, packed, as many as there come. */
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
