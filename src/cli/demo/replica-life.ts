import type { Clock } from "../../internal/clock.ts";
import type { Store } from "../../model/store.ts";

/** The life of a replica. When it dies, nothing that it waits for comes back: as when a process is killed. */
export class ReplicaLife {
  readonly #death = new AbortController();

  get isOver(): boolean {
    return this.#death.signal.aborted;
  }

  /** Aborts with the death; for the sockets, which a dead process loses too. */
  get signal(): AbortSignal {
    return this.#death.signal;
  }

  end(): void {
    this.#death.abort();
  }

  /** What `promise` gives to the living. */
  async outlive<Value>(promise: Promise<Value>): Promise<Value> {
    try {
      const value = await promise;
      return this.isOver ? await never() : value;
    } catch (error) {
      return this.isOver ? await never() : raise(error);
    }
  }
}

function never(): Promise<never> {
  return new Promise(() => {});
}

function raise(error: unknown): never {
  throw error;
}

/** A store as a replica sees it that may die: what it asked last may happen or not, and nobody hears of it. */
export function mortalStore(store: Store, life: ReplicaLife): Store {
  const ask = <Value>(question: () => Promise<Value>): Promise<Value> =>
    life.outlive(life.isOver ? never() : question());
  const { maxWindowMs } = store;
  const remove = store.remove?.bind(store);
  return {
    ...(maxWindowMs === undefined ? {} : { maxWindowMs }),
    put: (key, record, how) => ask(() => store.put(key, record, how)),
    get: (key) => ask(() => store.get(key)),
    ...(remove === undefined ? {} : { remove: (key, how) => ask(() => remove(key, how)) }),
  };
}

/** A clock whose timers end with the life. */
export function mortalClock(clock: Clock, life: ReplicaLife): Clock {
  const pending = new Set<() => void>();
  life.signal.addEventListener("abort", () => {
    for (const cancel of pending) cancel();
  });
  return {
    monotonicMs: () => clock.monotonicMs(),
    wallMs: () => clock.wallMs(),
    schedule(delayMs, run) {
      if (life.isOver) return () => {};
      const cancel = clock.schedule(delayMs, () => {
        pending.delete(cancel);
        run();
      });
      pending.add(cancel);
      return () => {
        pending.delete(cancel);
        cancel();
      };
    },
  };
}
