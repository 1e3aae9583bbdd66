/** What can go wrong in a simulation. */
export const faultNames = [
  /** A process dies, with all that it had under way; another one takes its place. */
  "crash",
  /** A message is delivered once more, although nobody asked for it. */
  "redelivery",
  /** The store did what it was asked, and the process never hears of it. */
  "lost answer",
  /** The store never hears of it. */
  "lost request",
  /** The process is told that its write timed out; it lands later. */
  "late write",
  /** The store says at once that it cannot. */
  "refusal",
  /** A read is answered with what stood there before. */
  "stale read",
  /** The store refuses everything for a while. */
  "outage",
  /** A process stands still, as under SIGSTOP, while time goes on; its timers are late when it wakes. */
  "freeze",
  /** Time goes on for longer than a lease. */
  "clock jump",
  /** The effect fails, before or after it has happened. */
  "failing effect",
  /** The store forgets a write that it acknowledged. */
  "amnesia",
] as const;

export type FaultName = (typeof faultNames)[number];

/** How often each fault may happen in one run; what is missing does not happen. */
export type FaultBudget = Partial<Readonly<Record<FaultName, number>>>;

/** What is left of a budget. */
export class Budget {
  readonly #left = new Map<FaultName, number>();
  #all = 0;
  readonly #spent: (fault: FaultName, whom: string) => void;

  /** @param spent hears of each fault before it happens, and whom it hits. */
  constructor(budget: FaultBudget, spent: (fault: FaultName, whom: string) => void) {
    for (const name of faultNames) {
      const most = budget[name] ?? 0;
      this.#left.set(name, most);
      this.#all += most;
    }
    this.#spent = spent;
  }

  /** Whether nothing can go wrong any more. */
  get isSpent(): boolean {
    return this.#all === 0;
  }

  has(fault: FaultName): boolean {
    return (this.#left.get(fault) ?? 0) > 0;
  }

  spend(fault: FaultName, whom: string): void {
    this.#left.set(fault, (this.#left.get(fault) ?? 0) - 1);
    this.#all -= 1;
    this.#spent(fault, whom);
  }
}
