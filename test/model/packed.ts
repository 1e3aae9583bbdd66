import type { World } from "./world.ts";

/** A world as a short string. Worlds that differ only in which attempt is which are the same. */
export function packed({ register, wasCommitted, deliveriesLeft, limits, ghosts, attempts }: World): string {
  const codes = [register * 2 + (wasCommitted ? 1 : 0), deliveriesLeft, limits & LOW, limits >> BITS, ghosts.length];
  codes.push(...ghosts);
  const from = codes.length;
  for (const attempt of attempts) {
    let at = codes.length;
    for (; at > from && (codes[at - 1] ?? 0) > attempt; at -= 1) codes[at] = codes[at - 1] ?? 0;
    codes[at] = attempt;
  }
  return String.fromCharCode(...codes);
}

export function unpacked(codes: string): World {
  const head = codes.charCodeAt(0);
  const flightsFrom = HEAD + codes.charCodeAt(HEAD - 1);
  return {
    register: head >> 1,
    wasCommitted: (head & 1) === 1,
    deliveriesLeft: codes.charCodeAt(1),
    limits: codes.charCodeAt(2) + (codes.charCodeAt(3) << BITS),
    ghosts: numbersIn(codes, HEAD, flightsFrom),
    attempts: numbersIn(codes, flightsFrom, codes.length),
  };
}

/** Limits take two characters. */
const BITS = 15;
const LOW = (1 << BITS) - 1;
/** The characters before the ghosts, of which the last says how many there are. */
const HEAD = 5;

function numbersIn(codes: string, from: number, to: number): number[] {
  const numbers: number[] = [];
  for (let at = from; at < to; at += 1) numbers.push(codes.charCodeAt(at));
  return numbers;
}
