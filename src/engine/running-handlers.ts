import { asyncContext } from "../internal/async-context.ts";
import type { HeldReservation } from "./held-reservation.ts";

type Held = Pick<HeldReservation, "isOpen" | "isOf">;

/**
 * A reservation around the calling code, and the next one around it.
 * See "What waits is a class instance" in docs/performance.md.
 */
class Nesting {
  readonly held: Held;
  readonly outer: Nesting | undefined;

  constructor(held: Held, outer: Nesting | undefined) {
    this.held = held;
    this.outer = outer;
  }
}

/** The innermost reservation around the calling code. One for all deduplicators: on Node 20, each context costs time. */
const around = asyncContext<Nesting>();

/** Calls a handler so that {@link isInside} knows what runs inside it. */
export function runHandler<Reservation extends Held, Result>(
  held: Reservation,
  handler: (held: Reservation) => Result,
): Result {
  return around.run(new Nesting(held, open(around.current())), handler, held);
}

/**
 * Drops those that are done: a handler may leave code behind that guards the next event, and so on. Shares what lies outside the last
 * of them, because handlers can be nested deeply.
 */
function open(innermost: Nesting | undefined): Nesting | undefined {
  if (innermost === undefined) return undefined;
  let shared: Nesting | undefined = innermost;
  let inside = 0;
  const passed: Held[] = [];
  for (let nesting: Nesting | undefined = innermost; nesting !== undefined; nesting = nesting.outer) {
    if (nesting.held.isOpen) passed.push(nesting.held);
    else {
      shared = nesting.outer;
      inside = passed.length;
    }
  }
  return passed.slice(0, inside).reduceRight((outer, held) => new Nesting(held, outer), shared);
}

/** Returns true if the calling code runs inside the handler of this attempt, and must not wait for it. */
export function isInside(attempt: object): boolean {
  for (let nesting = around.current(); nesting !== undefined; nesting = nesting.outer) {
    if (nesting.held.isOf(attempt)) return true;
  }
  return false;
}
