import { REGISTERS } from "./register.ts";
import type { World } from "./world.ts";

/** Encodes a world as a short string. Worlds that differ only in the order of attempts are equal. */
export function packed(world: World): string {
  const { register, database, wasCommitted, deliveriesLeft, limits, orphans, attempts } = world;
  const head = (database * REGISTERS + register) * 2 + (wasCommitted ? 1 : 0);
  const codes = [head, deliveriesLeft, limits & LOW, limits >> BITS, orphans.length];
  codes.push(...orphans);
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
  const attemptsFrom = HEAD + codes.charCodeAt(HEAD - 1);
  return {
    register: (head >> 1) % REGISTERS,
    database: Math.floor((head >> 1) / REGISTERS),
    wasCommitted: (head & 1) === 1,
    deliveriesLeft: codes.charCodeAt(1),
    limits: codes.charCodeAt(2) + (codes.charCodeAt(3) << BITS),
    orphans: numbersIn(codes, HEAD, attemptsFrom),
    attempts: numbersIn(codes, attemptsFrom, codes.length),
  };
}

/** Limits take two characters. */
const BITS = 15;
const LOW = (1 << BITS) - 1;
/** Number of characters before the orphaned writes. The last one is their count. */
const HEAD = 5;

function numbersIn(codes: string, from: number, to: number): number[] {
  const numbers: number[] = [];
  for (let at = from; at < to; at += 1) numbers.push(codes.charCodeAt(at));
  return numbers;
}
