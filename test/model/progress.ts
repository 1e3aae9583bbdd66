import type { Explored } from "./explore.ts";

type Graph = Pick<Explored, "from" | "next" | "isEndless">;

/**
 * Returns the worlds on a cycle, or reachable from one, without counting endless steps. A correct machine has none: without
 * renewals and unlimited faults, every run ends.
 */
export function cyclic({ from, next, isEndless }: Graph): number[] {
  const count = from.length - 1;
  const before = new Int32Array(count);
  for (let step = 0; step < next.length; step += 1) if (isEndless[step] === 0) add(before, next[step] ?? 0, 1);
  const free: number[] = [];
  for (let at = 0; at < count; at += 1) if (before[at] === 0) free.push(at);
  for (let taken = 0; taken < free.length; taken += 1) {
    const at = free[taken] ?? 0;
    for (let step = from[at] ?? 0; step < (from[at + 1] ?? 0); step += 1) {
      if (isEndless[step] !== 0) continue;
      const to = next[step] ?? 0;
      add(before, to, -1);
      if (before[to] === 0) free.push(to);
    }
  }
  return [...before.keys()].filter((at) => (before[at] ?? 0) > 0);
}

/** Returns the worlds without a further step. */
export function terminal({ from }: Graph): number[] {
  const found: number[] = [];
  for (let at = 0; at + 1 < from.length; at += 1) if (from[at] === from[at + 1]) found.push(at);
  return found;
}

/** Returns 1 for each world that can lead to one of the `goals`. */
export function leadingTo({ from, next }: Graph, goals: Iterable<number>): Uint8Array {
  const count = from.length - 1;
  const fromBack = new Int32Array(count + 1);
  for (const to of next) add(fromBack, to + 1, 1);
  for (let at = 0; at < count; at += 1) add(fromBack, at + 1, fromBack[at] ?? 0);
  const previous = new Int32Array(next.length);
  const filled = fromBack.slice();
  for (let at = 0; at < count; at += 1) {
    for (let step = from[at] ?? 0; step < (from[at + 1] ?? 0); step += 1) {
      const to = next[step] ?? 0;
      previous[filled[to] ?? 0] = at;
      add(filled, to, 1);
    }
  }
  const leads = new Uint8Array(count);
  const open = [...goals];
  for (const goal of open) leads[goal] = 1;
  for (let taken = 0; taken < open.length; taken += 1) {
    const at = open[taken] ?? 0;
    for (let step = fromBack[at] ?? 0; step < (fromBack[at + 1] ?? 0); step += 1) {
      const source = previous[step] ?? 0;
      if (leads[source] === 1) continue;
      leads[source] = 1;
      open.push(source);
    }
  }
  return leads;
}

function add(numbers: Int32Array, at: number, more: number): void {
  numbers[at] = (numbers[at] ?? 0) + more;
}
