/** Returns a random number from 0 to 1, excluding 1. */
export type Chance = () => number;

/** Returns a seeded random number generator (mulberry32). */
export function seeded(seed: number): Chance {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Returns a whole number from `min` to `max`, both included. */
export function between(random: Chance, min: number, max: number): number {
  return min + Math.floor(random() * (max - min + 1));
}

/** Returns a shuffled copy. */
export function shuffled<Item>(random: Chance, items: readonly Item[]): readonly Item[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ item }) => item);
}

export function uuid(random: Chance): string {
  const hex = Array.from({ length: 32 }, () => between(random, 0, 15).toString(16)).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20)].join("-");
}
