import type { DedupKeyContext, DedupKeyEvent, Settlement } from "../../machines/dedup-key.ts";
import { expectedBy, type ModelAttempt, unborn } from "./attempt.ts";
import type { Ghost, Guarantee, Register, Violation, WriteKind } from "./register.ts";
import type { Step, SteppedMachine } from "./stepped-machine.ts";

/** Result of an event. */
export interface Outcome {
  readonly attempt: ModelAttempt;
  readonly settled: Settlement | undefined;
  readonly ghosts: readonly Ghost[];
  readonly violations: readonly Violation[];
}

/** State of the rest of the world, against which the actions of an attempt are judged. */
export interface Truth {
  readonly register: Register;
  /** True if a commit was ever applied. */
  readonly wasCommitted: boolean;
  /** True if records may vanish without a removal by an attempt. */
  readonly mayVanish: boolean;
  /** True if an answer may be stale. */
  readonly mayBeOutdated: boolean;
  /** True if leases are renewed. */
  readonly renews: boolean;
}

/** Begins a delivery: it claims the key. */
export function launch(machine: SteppedMachine, truth: Truth): Outcome {
  const step = machine.begin();
  return new Driver({ ...unborn, place: step.place }, truth).take(step);
}

/** Sends an event to the machine, and does its actions, as the engine's attempts do. */
export function tell(machine: SteppedMachine, attempt: ModelAttempt, event: DedupKeyEvent, truth: Truth): Outcome {
  const step = machine.step(attempt.place, event);
  return new Driver({ ...attempt, place: step.place }, truth).take(step, event);
}

const REQUESTS: Readonly<Record<string, WriteKind | "read">> = {
  putReservation: "claim",
  readRecord: "read",
  renewLease: "renew",
  putCommit: "commit",
  removeReservation: "remove",
};

class Driver {
  #attempt: ModelAttempt;
  readonly #truth: Truth;
  readonly #ghosts: Ghost[] = [];
  readonly #violations: Violation[] = [];
  #settled: Settlement | undefined;
  /** True if the last claim was just acknowledged or found, even if too late. */
  #isRecognised = false;

  constructor(attempt: ModelAttempt, truth: Truth) {
    this.#attempt = attempt;
    this.#truth = truth;
  }

  take({ actions, isDone }: Step, event?: DedupKeyEvent): Outcome {
    const { handler: before } = this.#attempt;
    this.#isRecognised = event?.type === "write.acked" || event?.type === "found.own.reservation";
    for (const { type, params, context } of actions) this.#do(type, params, context);
    if (event !== undefined) this.#mustHaveFollowed(event, before);
    const isSettled = this.#settled !== undefined;
    this.#never(isDone !== isSettled, "G4", "the machine ends and settles nothing, or goes on after it has");
    return { attempt: this.#attempt, settled: this.#settled, ghosts: this.#ghosts, violations: this.#violations };
  }

  /** Reports a required consequence of the event that is missing, and a forbidden one that is present. */
  #mustHaveFollowed(event: DedupKeyEvent, before: ModelAttempt["handler"]): void {
    const { request, handler, isAborted, place } = this.#attempt;
    const { unprotected, newest } = place.context;
    const goesOn = this.#settled === undefined && handler === before;
    if (event.type === "shutdown") {
      this.#never(handler === "running" && !isAborted, "G6", "the handler is not aborted at the shutdown");
    } else if (event.type === "retry.due") {
      this.#never(event.exhausted && goesOn, "G9", "there is no more time, and yet it is tried again");
      this.#never(!event.exhausted && request === undefined, "G9", "there is time, and yet it is not tried again");
    } else if (event.type === "store.unreachable" && event.ambiguous) {
      this.#never(before === "unstarted" && !goesOn, "G9", "a claim in doubt is given up at once");
    } else if (event.type === "found.nothing" || event.type === "found.reservation" || event.type === "found.commit") {
      const isOld = "revision" in event && event.revision < newest;
      const isHolding = before === "running" && handler === "running" && !isAborted && !unprotected && !isOld;
      this.#never(isHolding, "G6", "a holder finds that it has lost the key, and is not aborted");
    }
  }

  #do(type: string, params: unknown, context: DedupKeyContext): void {
    const { timers } = this.#attempt;
    const request = REQUESTS[type];
    if (request !== undefined) this.#send(request, context);
    else if (type === "armRetry") this.#set({ timers: { ...timers, retry: true } });
    else if (type === "armDeadline") this.#beginLease();
    else if (type === "armRenewalRetry") this.#set({ timers: { ...timers, renewal: true } });
    else if (type === "startHandler") this.#start(context);
    else if (type === "abortHandler")
      this.#set({ isAborted: true, timers: { ...timers, renewal: false, lease: false } });
    else if (type === "settle") this.#settle(settlementIn(params));
    else throw new TypeError(`The model knows no action \`${type}\``);
  }

  #send(request: WriteKind | "read", context: DedupKeyContext): void {
    const { inDoubt, fence } = context;
    const { request: earlier, loose, handler, isAborted, owns } = this.#attempt;
    const isRunning = handler === "running" && !isAborted;
    this.#never(request === "renew" && isAborted, "G5", "a lease is renewed that has ended");
    this.#never(request === "renew" && handler !== "running", "G4", "a lease is renewed for a handler that is done");
    this.#never(request === "commit" && handler !== "succeeded", "G2", "a dispatch is committed that did not succeed");
    this.#never(request === "remove" && isRunning, "G6", "the key is released before the handler is aborted");
    this.#never(request === "remove" && handler === "succeeded", "G8", "the key of a success is released");
    this.#never(request !== "claim" && fence !== 0, "G5", "the fence changes after the reservation");
    const isAfresh = request === "claim" && !inDoubt;
    const isForgotten = isAfresh && owns && !this.#isRecognised && !this.#truth.mayBeOutdated;
    this.#never(isForgotten, "G9", "a claim in the store is not recognised");
    // Only the last request is waited for. An earlier one that has not arrived may still arrive.
    const onTheirWay = typeof earlier === "object" ? [...loose, earlier] : loose;
    if (isAfresh) {
      // This claim has a token of its own.
      this.#ghosts.push(...onTheirWay.map((write) => ({ ...write, owns })));
      this.#set({ owns: false, isFresh: false, ownedPast: false, isLate: false, loose: [] });
    } else {
      this.#set({ loose: onTheirWay });
    }
    const expected = expectedBy(this.#attempt, request === "claim" ? context.expected : context.revision);
    this.#set({ answer: undefined, request: request === "read" ? request : { kind: request, expected } });
  }

  #beginLease(): void {
    const { timers, isFresh } = this.#attempt;
    const { renews, mayVanish } = this.#truth;
    this.#never(!isFresh && !mayVanish, "G6", "a lease is counted anew that was not renewed");
    this.#set({ timers: { ...timers, renewal: renews, lease: true }, isFresh: false });
  }

  #start({ unprotected, revision, fence, mayDispatchUnprotected }: DedupKeyContext): void {
    const { handler, owns, current } = this.#attempt;
    const { register, mayVanish } = this.#truth;
    const isHeld = owns && register.holds === "reservation";
    this.#never(handler !== "unstarted", "G1", "the handler is started twice");
    if (unprotected) {
      this.#never(!mayDispatchUnprotected, "G1", "the handler is started without a reservation");
    } else if (isHeld) {
      this.#never(register.isOver, "G1", "the handler is started on a lease that is over");
      this.#never(revision !== current || fence !== revision, "G5", "the fence is not the reservation's revision");
    } else if (!mayVanish) {
      // A holder whose record an operator has just removed is aborted after its next renewal.
      this.#never(register.holds === "commit", "G3", "the handler is started after a commit");
      this.#never(register.holds !== "commit", "G10", "the handler is started, and its attempt does not own the key");
    }
    this.#set({ handler: "running" });
  }

  #settle(as: Settlement): void {
    const { handler, hasCommitted, owns, current, request, loose, place } = this.#attempt;
    const { register, wasCommitted, mayVanish, mayBeOutdated } = this.#truth;
    const isNewest = owns && current !== 0 && place.context.newest === current;
    const isAnothers = !owns && register.holds !== "nothing";
    const isTaken = mayBeOutdated ? !isNewest : isAnothers;
    const isKnownToBeStored = isNewest && register.holds === "reservation" && !mayBeOutdated;
    const counts = as === "confirmed" || as === "adopted";
    const lost = as === "superseded";
    const ending = `the delivery ends as ${as}, its handler being ${handler}`;
    this.#never(handler !== ENDS[as], handler === "failed" ? "G7" : "G2", ending);
    this.#never(
      as === "duplicate" && !wasCommitted,
      "G2",
      "a duplicate is reported for an event that was never committed",
    );
    this.#never(counts && !hasCommitted, "G9", `a commit that was never stored is called ${as}`);
    this.#never(lost && !isTaken, "G8", "a dispatch is called superseded by nobody");
    this.#never(
      lost && hasCommitted && !mayVanish && !mayBeOutdated,
      "G9",
      "a dispatch is called superseded, and its commit is stored",
    );
    this.#never(as === "released" && isKnownToBeStored, "G7", "a key is called released that is still reserved");
    this.#settled = as;
    const onTheirWay = typeof request === "object" ? [...loose, request] : loose;
    this.#ghosts.push(...onTheirWay.map((write) => ({ ...write, owns })));
  }

  #never(isSo: boolean, guarantee: Guarantee, what: string): void {
    if (isSo) this.#violations.push({ guarantee, what });
  }

  #set(change: Partial<ModelAttempt>): void {
    this.#attempt = { ...this.#attempt, ...change };
  }
}

/** State of the handler at the end of a delivery, by its settlement. */
const ENDS: Readonly<Record<Settlement, ModelAttempt["handler"]>> = {
  duplicate: "unstarted",
  pending: "unstarted",
  unavailable: "unstarted",
  confirmed: "succeeded",
  adopted: "succeeded",
  superseded: "succeeded",
  unconfirmed: "succeeded",
  released: "failed",
  "left-to-expire": "failed",
};

function settlementIn(params: unknown): Settlement {
  const as = typeof params === "object" && params !== null && "as" in params ? params.as : undefined;
  if (typeof as !== "string" || !isSettlement(as)) throw new TypeError("`settle` does not say as what");
  return as;
}

function isSettlement(as: string): as is Settlement {
  return as in ENDS;
}
