import { StoreUnavailableError } from "../../src/errors.ts";
import type { Clock } from "../../src/internal/clock.ts";
import { sleep } from "../../src/internal/clock.ts";
import type { KeyFilter, StoreKey } from "../../src/model/identity.ts";
import type { DedupRecord } from "../../src/model/record.ts";
import type { CacheInvalidation, Entry, Put, Removal, Revision, Store } from "../../src/model/store.ts";
import type { MemoryStore } from "../../src/stores/memory-store.ts";

/** What was asked of the store, and when. */
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

/** What becomes of one call: `apply` is the call itself, let through or not, at once or later. */
export type Fault = (apply: () => Promise<unknown>) => Promise<unknown>;

/** The call goes as it should. */
export const pass: Fault = (apply) => apply();

/** The store says that it is away; nothing was done. */
export const outage: Fault = async () => {
  throw new StoreUnavailableError("The store is away", { ambiguous: false });
};

/** Nobody answers, and nothing was done. */
export const writeLost: Fault = async () => {
  throw new StoreUnavailableError("The store did not answer", { ambiguous: true });
};

/** Nobody answers, and yet it was done. */
export const answerLost: Fault = async (apply) => {
  await apply();
  throw new StoreUnavailableError("The store did not answer", { ambiguous: true });
};

/** It was done, and a server that no longer leads says that something else stood there. */
export const refusedByAnother: Fault = async (apply) => {
  await apply();
  return { ok: false };
};

/** Nobody ever answers, and nothing was done. */
export const silence: Fault = () => new Promise(() => {});

/** Answers this instead, and does nothing. */
export function answering(value: unknown): Fault {
  return async () => value;
}

/** Throws this instead, and does nothing. */
export function throwing(error: unknown): Fault {
  return async () => {
    throw error;
  };
}

/** Is done at once, and answered `delayMs` later. */
export function slowAnswer(clock: Clock, delayMs: number): Fault {
  return async (apply) => {
    const answer = await apply();
    await sleep(clock, delayMs, new AbortController().signal);
    return answer;
  };
}

/** A call that waits on its way until `go` is called. */
export interface HeldCall {
  readonly fault: Fault;
  /** Lets the call through; resolves with its answer. */
  readonly go: () => Promise<unknown>;
}

/** The caller waits for `go` and gets the answer. */
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

/** The caller is told that nobody answered; the write lands when `go` is called. */
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

/** A memory store of which one replica sees what a script says. Nothing is left to chance: the n-th call has the n-th fault. */
export class FaultyStore implements Store {
  readonly calls: Call[] = [];
  readonly invalidation: CacheInvalidation;
  readonly #inner: MemoryStore;
  readonly #clock: Clock;
  readonly #scripts: Record<Method, Fault[]> = { put: [], get: [], remove: [] };
  readonly #standing: Record<Method, Fault> = { put: pass, get: pass, remove: pass };

  constructor(inner: MemoryStore, clock: Clock) {
    this.#inner = inner;
    this.#clock = clock;
    this.invalidation = inner.invalidation;
  }

  /** What becomes of the next calls of a method, one after the other. */
  script(method: Method, ...faults: readonly Fault[]): void {
    this.#scripts[method].push(...faults);
  }

  /** What becomes of every call that no script is left for, until `heal`. */
  breakDown(fault: Fault = outage, methods: readonly Method[] = ["put", "get", "remove"]): void {
    for (const method of methods) this.#standing[method] = fault;
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

  /** The acknowledged writes, forgotten: what a store does that lost its disk. */
  async forget(key: StoreKey): Promise<void> {
    const entry = await this.#inner.get(key);
    if (entry !== undefined) await this.#inner.remove(key, { expected: entry.revision });
  }

  #through<Answer>(
    method: Method,
    passesFor: (answer: unknown) => answer is Answer,
    apply: () => Promise<Answer>,
  ): Promise<Answer> {
    const fault = this.#scripts[method].shift() ?? this.#standing[method];
    return fault(apply).then((answer) => {
      if (!passesFor(answer)) throw new TypeError("unreachable");
      return answer;
    });
  }
}

/** A script may answer anything: these let it through where the types would not. */
function isPut(_: unknown): _ is Put {
  return true;
}

function isGet(_: unknown): _ is Entry | undefined {
  return true;
}

function isRemoval(_: unknown): _ is Removal {
  return true;
}
