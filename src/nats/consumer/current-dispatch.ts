import type { Reservation } from "../../model/decision.ts";
import type { ResolvedIdentity } from "../../model/identity.ts";
import type { DispatchContext } from "./consume-options.ts";
import type { DispatchSignal } from "./dispatch-signal.ts";

/**
 * The context of a dispatch that runs. Its signal is an own property, so that a handler may spread the context. It is made when it is
 * read. All dispatches share one getter: V8 keeps the getter of an object literal until a full collection, with all it refers to.
 */
export class CurrentDispatch implements DispatchContext {
  readonly identity: ResolvedIdentity;
  readonly reservation: Reservation;
  declare readonly signal: AbortSignal;
  readonly #dispatching: DispatchSignal;

  static readonly #lazySignal: PropertyDescriptor & ThisType<CurrentDispatch> = {
    enumerable: true,
    get() {
      return this.#dispatching.signal;
    },
  };

  constructor(identity: ResolvedIdentity, reservation: Reservation, dispatching: DispatchSignal) {
    this.identity = identity;
    this.reservation = reservation;
    this.#dispatching = dispatching;
    Object.defineProperty(this, "signal", CurrentDispatch.#lazySignal);
  }
}
