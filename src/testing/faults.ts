/** What can go wrong in a simulation. */
export const faultNames = [
  /** A replica dies, with all that it had under way; another process takes its place. */
  "crash",
  /** A message is delivered once more, although nobody asked for it. */
  "redelivery",
  /** The store did what it was asked, and the replica never hears of it. */
  "lost answer",
  /** The store never hears of it. */
  "lost request",
  /** The replica is told that its write timed out; it lands later. */
  "late write",
  /** The store says at once that it cannot. */
  "refusal",
  /** A read is answered with what stood there before. */
  "stale read",
  /** The store refuses everything for a while. */
  "outage",
  /** A replica stands still, as under SIGSTOP, while time goes on; its timers are late when it wakes. */
  "freeze",
  /** Time goes on for longer than a lease. */
  "clock jump",
  /** The side effect fails. */
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
  readonly #spent: (fault: FaultName) => void;
  readonly outageMs: number;

  constructor(budget: FaultBudget, outageMs: number, spent: (fault: FaultName) => void) {
    for (const name of faultNames) this.#left.set(name, budget[name] ?? 0);
    this.#spent = spent;
    this.outageMs = outageMs;
  }

  has(fault: FaultName): boolean {
    return (this.#left.get(fault) ?? 0) > 0;
  }

  spend(fault: FaultName): void {
    this.#left.set(fault, (this.#left.get(fault) ?? 0) - 1);
    this.#spent(fault);
  }
}
