/** The faults of a simulation. */
export const faultNames = [
  /** A process dies with everything it was doing. Another process replaces it. */
  "crash",
  /** A message is redelivered without a reason. */
  "redelivery",
  /** The store executes a request, and the process never gets the response. */
  "lost answer",
  /** The store never gets a request. */
  "lost request",
  /** A write times out for the process, and the store executes it later. */
  "late write",
  /** The store refuses a request at once. */
  "refusal",
  /** A read returns what the key held before. */
  "stale read",
  /** The store refuses all requests for a while. */
  "outage",
  /** A process stops, as under SIGSTOP, while time passes. Its timers run late when it continues. */
  "freeze",
  /** More time passes than a lease lasts. */
  "clock jump",
  /** An effect fails, before or after it has happened. */
  "failing effect",
  /** The store loses a write that it acknowledged. */
  "amnesia",
  /** A process is cut off from the store and the broker for good. It keeps running. */
  "isolation",
  /** A process reaches the store and the broker, and nothing reaches it any more. */
  "one-way partition",
  /** The store answers slowly for good. */
  "slow store",
] as const;

/** Faults that happen only if they are named: a store that forgets breaks every guarantee, and the others never heal. */
export const unusualFaults: ReadonlySet<FaultName> = new Set([
  "amnesia",
  "isolation",
  "one-way partition",
  "slow store",
]);

export type FaultName = (typeof faultNames)[number];

/** Maximum number of each fault in one run. Missing faults do not happen. */
export type FaultBudget = Partial<Readonly<Record<FaultName, number>>>;

/** The rest of a budget. */
export class Budget {
  readonly #left = new Map<FaultName, number>();
  #total = 0;
  readonly #onSpend: (fault: FaultName, task: string) => void;

  /** @param onSpend is called before each fault, with the task that it hits. */
  constructor(budget: FaultBudget, onSpend: (fault: FaultName, task: string) => void) {
    for (const name of faultNames) {
      const most = budget[name] ?? 0;
      this.#left.set(name, most);
      this.#total += most;
    }
    this.#onSpend = onSpend;
  }

  /** True if no fault can happen any more. */
  get isSpent(): boolean {
    return this.#total === 0;
  }

  has(fault: FaultName): boolean {
    return (this.#left.get(fault) ?? 0) > 0;
  }

  spend(fault: FaultName, task: string): void {
    this.#left.set(fault, (this.#left.get(fault) ?? 0) - 1);
    this.#total -= 1;
    this.#onSpend(fault, task);
  }
}
