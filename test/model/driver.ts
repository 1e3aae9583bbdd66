import type { DedupKeyContext, DedupKeyEvent, Settlement } from "../../machines/dedup-key.ts";
import { expectedBy, type ModelAttempt, unborn } from "./attempt.ts";
import type { Ghost, Guarantee, Register, Violation, WriteKind } from "./register.ts";
import type { Step, SteppedMachine } from "./stepped-machine.ts";

/** What an event led to. */
export interface Flown {
  readonly flight: ModelAttempt;
  readonly settled: Settlement | undefined;
  readonly ghosts: readonly Ghost[];
  readonly violations: readonly Violation[];
}

/** What is so in the rest of the world, by which it is judged what a flight does. */
export interface Truth {
  readonly register: Register;
  /** Whether a commit was ever applied. */
  readonly wasCommitted: boolean;
  /** Whether records may vanish that nobody here has removed. */
  readonly mayVanish: boolean;
  /** Whether what is heard may be out of date, by the read or on the way. */
  readonly mayBeOutdated: boolean;
  /** Whether leases are renewed. */
  readonly renews: boolean;
}

/** A delivery begins: it asks for the key. */
export function launch(machine: SteppedMachine, truth: Truth): Flown {
  const step = machine.begin();
  return new Driver({ ...unborn, place: step.place }, truth).take(step);
}

/** Tells the machine what happened, and does what it says, as the engine's flights do. */
export function tell(machine: SteppedMachine, flight: ModelAttempt, event: DedupKeyEvent, truth: Truth): Flown {
  const step = machine.step(flight.place, event);
  return new Driver({ ...flight, place: step.place }, truth).take(step, event);
}

const QUESTIONS: Readonly<Record<string, WriteKind | "read">> = {
  putReservation: "claim",
  readRecord: "read",
  renewLease: "renew",
  putCommit: "commit",
  removeReservation: "remove",
};

class Driver {
  #flight: ModelAttempt;
  readonly #truth: Truth;
  readonly #ghosts: Ghost[] = [];
  readonly #violations: Violation[] = [];
  #settled: Settlement | undefined;
  /** Whether the last claim was just acknowledged or found, if too late. */
  #isRecognised = false;

  constructor(flight: ModelAttempt, truth: Truth) {
    this.#flight = flight;
    this.#truth = truth;
  }

  take({ actions, isDone }: Step, event?: DedupKeyEvent): Flown {
    const { handler: before } = this.#flight;
    this.#isRecognised = event?.type === "write.acked" || event?.type === "found.own.reservation";
    for (const { type, params, context } of actions) this.#do(type, params, context);
    if (event !== undefined) this.#mustHaveFollowed(event, before);
    const isSettled = this.#settled !== undefined;
    this.#never(isDone !== isSettled, "G4", "the machine ends and settles nothing, or goes on after it has");
    return { flight: this.#flight, settled: this.#settled, ghosts: this.#ghosts, violations: this.#violations };
  }

  /** What must come of some events, and must not come of others. */
  #mustHaveFollowed(event: DedupKeyEvent, before: ModelAttempt["handler"]): void {
    const { asked, handler, isTold, place } = this.#flight;
    const { unprotected, newest } = place.context;
    const goesOn = this.#settled === undefined && handler === before;
    if (event.type === "shutdown") {
      this.#never(handler === "running" && !isTold, "G6", "the handler is not told of the shutdown");
    } else if (event.type === "retry.due") {
      this.#never(event.exhausted && goesOn, "G9", "there is no more time, and yet it is tried again");
      this.#never(!event.exhausted && asked === undefined, "G9", "there is time, and yet it is not tried again");
    } else if (event.type === "store.unreachable" && event.ambiguous) {
      this.#never(before === "unstarted" && !goesOn, "G9", "a claim in doubt is given up at once");
    } else if (event.type === "found.nothing" || event.type === "found.reservation" || event.type === "found.commit") {
      const isOld = "revision" in event && event.revision < newest;
      const isHolding = before === "running" && handler === "running" && !isTold && !unprotected && !isOld;
      this.#never(isHolding, "G6", "a holder finds that it has lost the key, and is not told");
    }
  }

  #do(type: string, params: unknown, context: DedupKeyContext): void {
    const { timers } = this.#flight;
    const question = QUESTIONS[type];
    if (question !== undefined) this.#ask(question, context);
    else if (type === "armRetry") this.#set({ timers: { ...timers, retry: true } });
    else if (type === "armDeadline") this.#beginLease();
    else if (type === "armRenewalRetry") this.#set({ timers: { ...timers, renewal: true } });
    else if (type === "startHandler") this.#start(context);
    else if (type === "abortHandler") this.#set({ isTold: true, timers: { ...timers, renewal: false, lease: false } });
    else if (type === "settle") this.#settle(settlementIn(params));
    else throw new TypeError(`The model knows no action \`${type}\``);
  }

  #ask(question: WriteKind | "read", context: DedupKeyContext): void {
    const { inDoubt, fence } = context;
    const { asked, loose, handler, isTold, owns } = this.#flight;
    const isRunning = handler === "running" && !isTold;
    this.#never(question === "renew" && isTold, "G5", "a lease is renewed that has ended");
    this.#never(question === "renew" && handler !== "running", "G4", "a lease is renewed for a handler that is done");
    this.#never(question === "commit" && handler !== "succeeded", "G2", "a dispatch is committed that did not succeed");
    this.#never(question === "remove" && isRunning, "G6", "the key is given back before the handler is told");
    this.#never(question === "remove" && handler === "succeeded", "G8", "the key of a success is given back");
    this.#never(question !== "claim" && fence !== 0, "G5", "the fence changes after the reservation");
    const isAfresh = question === "claim" && !inDoubt;
    const isForgotten = isAfresh && owns && !this.#isRecognised && !this.#truth.mayBeOutdated;
    this.#never(isForgotten, "G9", "a claim that stands is not recognised");
    // Only the last question is waited for; one that has not arrived when it is asked is on its way all the same.
    const onTheirWay = typeof asked === "object" ? [...loose, asked] : loose;
    if (isAfresh) {
      // This claim has a token of its own.
      this.#ghosts.push(...onTheirWay.map((write) => ({ ...write, owns })));
      this.#set({ owns: false, isFresh: false, ownedPast: false, isLate: false, loose: [] });
    } else {
      this.#set({ loose: onTheirWay });
    }
    const expected = expectedBy(this.#flight, question === "claim" ? context.expected : context.revision);
    this.#set({ answer: undefined, asked: question === "read" ? question : { kind: question, expected } });
  }

  #beginLease(): void {
    const { timers, isFresh } = this.#flight;
    const { renews, mayVanish } = this.#truth;
    this.#never(!isFresh && !mayVanish, "G6", "a lease is counted anew that was not renewed");
    this.#set({ timers: { ...timers, renewal: renews, lease: true }, isFresh: false });
  }

  #start({ unprotected, revision, fence, mayDispatchUnprotected }: DedupKeyContext): void {
    const { handler, owns, current } = this.#flight;
    const { register, mayVanish } = this.#truth;
    const isHeld = owns && register.holds === "reservation";
    this.#never(handler !== "unstarted", "G1", "the handler is started twice");
    if (unprotected) {
      this.#never(!mayDispatchUnprotected, "G1", "the handler is started without a reservation");
    } else if (isHeld) {
      this.#never(register.isOver, "G1", "the handler is started on a lease that is over");
      this.#never(revision !== current || fence !== revision, "G5", "the fence is not the reservation's revision");
    } else if (!mayVanish) {
      // Who has just been granted what an operator removes is told by its next renewal.
      this.#never(register.holds === "commit", "G3", "the handler is started after a commit");
      this.#never(register.holds !== "commit", "G10", "the handler is started, and the key is not its flight's");
    }
    this.#set({ handler: "running" });
  }

  #settle(as: Settlement): void {
    const { handler, hasCommitted, owns, current, asked, loose, place } = this.#flight;
    const { register, wasCommitted, mayVanish, mayBeOutdated } = this.#truth;
    const isNewest = owns && current !== 0 && place.context.newest === current;
    const isAnothers = !owns && register.holds !== "nothing";
    const isTaken = mayBeOutdated ? !isNewest : isAnothers;
    const isKnownToStand = isNewest && register.holds === "reservation" && !mayBeOutdated;
    const counts = as === "confirmed" || as === "adopted";
    const lost = as === "superseded";
    const ending = `the delivery ends as ${as}, its handler being ${handler}`;
    this.#never(handler !== ENDS[as], handler === "failed" ? "G7" : "G2", ending);
    this.#never(as === "duplicate" && !wasCommitted, "G2", "a duplicate is told of what was never committed");
    this.#never(counts && !hasCommitted, "G9", `a commit is called ${as} that never stood`);
    this.#never(lost && !isTaken, "G8", "a dispatch is called superseded by nobody");
    this.#never(
      lost && hasCommitted && !mayVanish && !mayBeOutdated,
      "G9",
      "a dispatch is called superseded whose commit stands",
    );
    this.#never(as === "released" && isKnownToStand, "G7", "a key is called released that is still reserved");
    this.#settled = as;
    const onTheirWay = typeof asked === "object" ? [...loose, asked] : loose;
    this.#ghosts.push(...onTheirWay.map((write) => ({ ...write, owns })));
  }

  #never(isSo: boolean, guarantee: Guarantee, what: string): void {
    if (isSo) this.#violations.push({ guarantee, what });
  }

  #set(change: Partial<ModelAttempt>): void {
    this.#flight = { ...this.#flight, ...change };
  }
}

/** How each delivery ends has to do with how its handler did. */
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
