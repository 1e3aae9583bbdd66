import type { DedupKeyContext, DedupKeyEvent, Settlement } from "../../machines/dedup-key.ts";
import { expectedBy, initialAttempt, type ModelAttempt } from "./attempt.ts";
import type { Guarantee, OrphanedWrite, Register, Violation, WriteKind } from "./register.ts";
import type { Step, SteppedMachine } from "./stepped-machine.ts";
import type { Database } from "./transaction.ts";

/** Result of an event for an attempt. */
export interface Outcome {
  readonly attempt: ModelAttempt;
  readonly settled: Settlement | undefined;
  readonly orphans: readonly OrphanedWrite[];
  readonly violations: readonly Violation[];
}

/** State of the world outside an attempt, against which its actions are judged. */
export interface Environment {
  readonly register: Register;
  /** True if a commit was applied at any time. */
  readonly wasCommitted: boolean;
  /** True if a record may vanish although no attempt removes it. */
  readonly mayVanish: boolean;
  /** True if an answer may be stale. */
  readonly mayBeOutdated: boolean;
  /** True if leases are renewed. */
  readonly renews: boolean;
  readonly database: Database;
}

/** Begins a delivery, which claims the key. */
export function launch(machine: SteppedMachine, environment: Environment): Outcome {
  const step = machine.begin();
  return new Driver({ ...initialAttempt, place: step.place }, environment).take(step);
}

/** Sends an event to the machine and performs the resulting actions, as an attempt of the engine does. */
export function send(
  machine: SteppedMachine,
  attempt: ModelAttempt,
  event: DedupKeyEvent,
  environment: Environment,
): Outcome {
  const step = machine.step(attempt.place, event);
  return new Driver({ ...attempt, place: step.place }, environment).take(step, event);
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
  readonly #environment: Environment;
  readonly #orphans: OrphanedWrite[] = [];
  readonly #violations: Violation[] = [];
  #settled: Settlement | undefined;
  /** True if the last claim was just acknowledged or found, even if too late. */
  #isRecognised = false;
  /** True if the attempt just learned that keys were cleared. */
  #isCleared = false;

  constructor(attempt: ModelAttempt, environment: Environment) {
    this.#attempt = attempt;
    this.#environment = environment;
  }

  take({ actions, isDone }: Step, event?: DedupKeyEvent): Outcome {
    const { handler: before } = this.#attempt;
    this.#isRecognised = event?.type === "write.acked" || event?.type === "found.own.reservation";
    this.#isCleared = event?.type === "found.cleared";
    for (const { type, params, context } of actions) this.#do(type, params, context);
    if (event !== undefined) this.#checkConsequences(event, before);
    const isSettled = this.#settled !== undefined;
    this.#forbid(isDone !== isSettled, "G4", "the machine ends without settling, or continues after it has settled");
    return { attempt: this.#attempt, settled: this.#settled, orphans: this.#orphans, violations: this.#violations };
  }

  /** Reports a missing consequence of the event, and a forbidden one. */
  #checkConsequences(event: DedupKeyEvent, before: ModelAttempt["handler"]): void {
    const { request, handler, isAborted, place } = this.#attempt;
    const { unprotected, newest } = place.context;
    const goesOn = this.#settled === undefined && handler === before;
    if (event.type === "shutdown") {
      this.#forbid(handler === "running" && !isAborted, "G6", "the handler is not aborted at shutdown");
    } else if (event.type === "retry.due") {
      this.#forbid(event.exhausted && goesOn, "G9", "a retry follows although no time is left");
      this.#forbid(!event.exhausted && request === undefined, "G9", "no retry follows although time is left");
    } else if (event.type === "store.unreachable" && event.ambiguous) {
      this.#forbid(before === "unstarted" && !goesOn, "G9", "a claim in doubt is abandoned at once");
    } else if (event.type === "found.nothing" || event.type === "found.reservation" || event.type === "found.commit") {
      const isOld = "revision" in event && event.revision < newest;
      const isHolding = before === "running" && handler === "running" && !isAborted && !unprotected && !isOld;
      this.#forbid(isHolding, "G6", "a holder finds that it has lost the key, and its handler is not aborted");
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
    else throw new TypeError(`The model has no action \`${type}\``);
  }

  #send(request: WriteKind | "read", context: DedupKeyContext): void {
    const { inDoubt, fence } = context;
    const { request: earlier, lateWrites, handler, isAborted, owns } = this.#attempt;
    const isRunning = handler === "running" && !isAborted;
    this.#forbid(request === "renew" && isAborted, "G5", "an ended lease is renewed");
    this.#forbid(
      request === "renew" && handler !== "running",
      "G4",
      "a lease is renewed for a handler that has finished",
    );
    this.#forbid(request === "commit" && handler !== "succeeded", "G2", "a dispatch that did not succeed is committed");
    this.#forbid(request === "remove" && isRunning, "G6", "the key is released before the handler is aborted");
    this.#forbid(request === "remove" && handler === "succeeded", "G8", "the key of a successful dispatch is released");
    this.#forbid(request !== "claim" && fence !== 0, "G5", "the fence changes after the reservation");
    const isNewClaim = request === "claim" && !inDoubt;
    const isForgotten = isNewClaim && owns && !this.#isRecognised && !this.#environment.mayBeOutdated;
    this.#forbid(isForgotten, "G9", "an attempt does not recognise its own claim in the store");
    // The attempt waits for its last request only. An earlier one may still arrive.
    const inFlight = typeof earlier === "object" ? [...lateWrites, earlier] : lateWrites;
    if (isNewClaim) {
      // A new claim has its own token.
      this.#orphans.push(...inFlight.map((write) => ({ ...write, owns })));
      this.#set({ owns: false, isFresh: false, ownedPast: false, isLate: false, lateWrites: [] });
    } else {
      this.#set({ lateWrites: inFlight });
    }
    const expected = expectedBy(this.#attempt, request === "claim" ? context.expected : context.revision);
    this.#set({ answer: undefined, request: request === "read" ? request : { kind: request, expected } });
  }

  #beginLease(): void {
    const { timers, isFresh } = this.#attempt;
    const { renews, mayVanish } = this.#environment;
    this.#forbid(!isFresh && !mayVanish, "G6", "a lease is restarted although it was not renewed");
    this.#set({ timers: { ...timers, renewal: renews, lease: true }, isFresh: false });
  }

  #start({ unprotected, revision, fence, mayDispatchUnprotected }: DedupKeyContext): void {
    const { handler, owns, current } = this.#attempt;
    const { register, mayVanish } = this.#environment;
    const isHeld = owns && register.holds === "reservation";
    this.#forbid(handler !== "unstarted", "G1", "the handler is started twice");
    if (unprotected) {
      this.#forbid(!mayDispatchUnprotected, "G1", "the handler is started without a reservation");
    } else if (isHeld) {
      this.#forbid(register.hasExpired, "G1", "the handler is started after the end of its lease");
      this.#forbid(revision !== current || fence !== revision, "G5", "the fence is not the reservation's revision");
    } else if (!mayVanish) {
      // If an operator has just removed the record, the holder is aborted after its next renewal.
      this.#forbid(register.holds === "commit", "G3", "the handler is started after a commit");
      this.#forbid(
        register.holds !== "commit",
        "G10",
        "the handler is started although its attempt does not own the key",
      );
    }
    this.#set({ handler: "running" });
  }

  #settle(as: Settlement): void {
    const { handler, hasCommitted, owns, current, request, lateWrites, place } = this.#attempt;
    const { register, wasCommitted, mayVanish, mayBeOutdated } = this.#environment;
    const isNewest = owns && current !== 0 && place.context.newest === current;
    const isAnothers = !owns && register.holds !== "nothing";
    const isTaken = mayBeOutdated ? !isNewest : isAnothers;
    const isKnownToBeStored = isNewest && register.holds === "reservation" && !mayBeOutdated;
    const counts = as === "confirmed" || as === "adopted";
    const lost = as === "superseded";
    const ending = `the delivery ends as ${as} while its handler is ${handler}`;
    this.#forbid(handler !== ENDS[as], handler === "failed" ? "G7" : "G2", ending);
    this.#forbid(
      as === "duplicate" && !wasCommitted,
      "G2",
      "a duplicate is reported for an event that was never committed",
    );
    this.#forbid(counts && !hasCommitted, "G9", `a commit that was never stored is reported as ${as}`);
    this.#forbid(
      lost && !isTaken && !this.#isCleared,
      "G8",
      "a dispatch is reported as superseded, and no other holder took the key",
    );
    this.#forbid(
      lost && hasCommitted && !mayVanish && !mayBeOutdated,
      "G9",
      "a dispatch is reported as superseded although its commit is stored",
    );
    this.#forbid(
      as === "released" && isKnownToBeStored,
      "G7",
      "a key is reported as released although it is still reserved",
    );
    this.#settled = as;
    const inFlight = typeof request === "object" ? [...lateWrites, request] : lateWrites;
    this.#orphans.push(...inFlight.map((write) => ({ ...write, owns })));
  }

  #forbid(isSo: boolean, guarantee: Guarantee, what: string): void {
    if (isSo) this.#violations.push({ guarantee, what });
  }

  #set(change: Partial<ModelAttempt>): void {
    this.#attempt = { ...this.#attempt, ...change };
  }
}

/** Expected state of the handler at the end of a delivery, by settlement. */
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
  if (typeof as !== "string" || !isSettlement(as))
    throw new TypeError("The action `settle` has no valid `as` parameter");
  return as;
}

function isSettlement(as: string): as is Settlement {
  return as in ENDS;
}
