import { StoreUnavailableError } from "../../src/errors.ts";
import type { Clock } from "../../src/internal/clock.ts";
import { sleep } from "../../src/internal/clock.ts";
import type { KeyFilter, StoreKey } from "../../src/model/identity.ts";
import type { DedupRecord } from "../../src/model/record.ts";
import type { CacheInvalidation, Entry, Put, Removal, Revision, Store } from "../../src/model/store.ts";
import type { MemoryStore } from "../../src/stores/memory-store.ts";

/** A call that the store received, and its time. */
export type Call =
  | {
      readonly method: "put";
      readonly atMs: number;
      readonly record: DedupRecord;
      readonly expected: Revision;
      readonly ttlMs: number;
    }
  | { readonly method: "get"; readonly atMs: number }
  | { readonly method: "remove"; readonly atMs: number; readonly expected: Revision };

/** The fate of one call. `apply` performs the call: now, later or never. */
export type CallFault = (apply: () => Promise<unknown>) => Promise<unknown>;

/** Performs the call. */
export const pass: CallFault = (apply) => apply();

/** Reports an outage without performing the call. */
export const outage: CallFault = async () => {
  throw new StoreUnavailableError("The store is unreachable", { ambiguous: false });
};

/** Times out without performing the call. */
export const writeLost: CallFault = async () => {
  throw new StoreUnavailableError("The store did not answer", { ambiguous: true });
};

/** Performs the call, then times out. */
export const answerLost: CallFault = async (apply) => {
  await apply();
  throw new StoreUnavailableError("The store did not answer", { ambiguous: true });
};

/** Performs the call, then reports a conflict, like a former leader whose successor applied the write. */
export const refusedByAnother: CallFault = async (apply) => {
  await apply();
  return { ok: false };
};

/** Never answers and does not perform the call. */
export const silence: CallFault = () => new Promise(() => {});

/** Returns a fault that answers `value` without performing the call. */
export function answering(value: unknown): CallFault {
  return async () => value;
}

/** Returns a fault that throws `error` without performing the call. */
export function throwing(error: unknown): CallFault {
  return async () => {
    throw error;
  };
}

/** Returns a fault that performs the call immediately and answers `delayMs` later. */
export function slowAnswer(clock: Clock, delayMs: number): CallFault {
  return async (apply) => {
    const answer = await apply();
    await sleep(clock, delayMs, new AbortController().signal);
    return answer;
  };
}

/** A call that reaches the store only when `go` is called. */
export interface HeldCall {
  readonly fault: CallFault;
  /** Performs the call and resolves with its answer. */
  readonly go: () => Promise<unknown>;
}

/** Returns a call whose caller waits for `go` and gets the answer. */
export function held(): HeldCall {
  let release: () => void = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  let answer: Promise<unknown> | undefined;
  return {
    fault: (apply) => (answer = released.then(apply)),
    async go() {
      release();
      return answer;
    },
  };
}

/** Returns a write whose caller gets a timeout. The store applies the write when `go` is called. */
export function landsLate(): HeldCall {
  const late = held();
  return {
    fault: async (apply) => {
      void late.fault(apply);
      throw new StoreUnavailableError("The store did not answer", { ambiguous: true });
    },
    go: late.go,
  };
}

type Method = Call["method"];

/** One replica's view of a memory store, with scripted faults: the n-th call of a method has the n-th fault. */
export class FaultyStore implements Store {
  readonly calls: Call[] = [];
  readonly invalidation: CacheInvalidation;
  readonly #inner: MemoryStore;
  readonly #clock: Clock;
  readonly #scripts: Record<Method, CallFault[]> = { put: [], get: [], remove: [] };
  readonly #defaults: Record<Method, CallFault> = { put: pass, get: pass, remove: pass };

  constructor(inner: MemoryStore, clock: Clock) {
    this.#inner = inner;
    this.#clock = clock;
    this.invalidation = inner.invalidation;
  }

  /** Sets the faults of the next calls of a method, in order. */
  script(method: Method, ...faults: readonly CallFault[]): void {
    this.#scripts[method].push(...faults);
  }

  /** Sets the fault of every unscripted call until `heal`. */
  breakDown(fault: CallFault = outage, methods: readonly Method[] = ["put", "get", "remove"]): void {
    for (const method of methods) this.#defaults[method] = fault;
  }

  heal(): void {
    this.breakDown(pass);
  }

  put(key: StoreKey, record: DedupRecord, how: { readonly expected: Revision; readonly ttlMs: number }): Promise<Put> {
    this.calls.push({ method: "put", atMs: this.#clock.monotonicMs(), record, ...how });
    return this.#through("put", isPut, () => this.#inner.put(key, record, how));
  }

  get(key: StoreKey): Promise<Entry | undefined> {
    this.calls.push({ method: "get", atMs: this.#clock.monotonicMs() });
    return this.#through("get", isGet, () => this.#inner.get(key));
  }

  remove(key: StoreKey, how: { readonly expected: Revision }): Promise<Removal> {
    this.calls.push({ method: "remove", atMs: this.#clock.monotonicMs(), ...how });
    return this.#through("remove", isRemoval, () => this.#inner.remove(key, how));
  }

  list(filter: KeyFilter): AsyncIterable<Entry> {
    return this.#inner.list(filter);
  }

  /** Removes an acknowledged write, like a store that lost its disk. */
  async forget(key: StoreKey): Promise<void> {
    const entry = await this.#inner.get(key);
    if (entry !== undefined) await this.#inner.remove(key, { expected: entry.revision });
  }

  #through<Answer>(
    method: Method,
    passesFor: (answer: unknown) => answer is Answer,
    apply: () => Promise<Answer>,
  ): Promise<Answer> {
    const fault = this.#scripts[method].shift() ?? this.#defaults[method];
    return fault(apply).then((answer) => {
      if (!passesFor(answer)) throw new TypeError("unreachable");
      return answer;
    });
  }
}

/** A script may answer anything. These guards accept values that the types forbid. */
function isPut(_: unknown): _ is Put {
  return true;
}

function isGet(_: unknown): _ is Entry | undefined {
  return true;
}

function isRemoval(_: unknown): _ is Removal {
  return true;
}
