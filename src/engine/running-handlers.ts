import { asyncContext } from "../internal/async-context.ts";
import type { HeldReservation } from "./held-reservation.ts";

type Held = Pick<HeldReservation, "isOpen" | "isOf">;

/** The reservations around the calling code, from the outside in. One for all deduplicators: on Node 20, each context costs time. */
const around = asyncContext<readonly Held[]>();

/** Calls a handler so that {@link isInside} knows what runs inside it. */
export function runHandler<Reservation extends Held, Result>(
  held: Reservation,
  handler: (held: Reservation) => Result,
): Result {
  const outer = around.current();
  // Without those that are done: a handler may leave code behind that guards the next event, and so on.
  const nested = outer === undefined ? [held] : [...outer.filter(({ isOpen }) => isOpen), held];
  return around.run(nested, handler, held);
}

/** Returns true if the calling code runs inside the handler of this attempt, and must not wait for it. */
export function isInside(attempt: object): boolean {
  return around.current()?.some((held) => held.isOf(attempt)) === true;
}
