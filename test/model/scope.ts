/** Faults, each limited by the scope. */
export const faults = [
  /** A process dies with all that it has under way; its messages may land yet. */
  "crash",
  /** A request or an answer is lost, a write lands late, or the store refuses for now. */
  "trouble",
  /** An answer takes longer than a lease. */
  "slowness",
  /** A read shows the previous record, or nothing. */
  "stale read",
  /** A write that should be applied is called refused, by a server that does not know better; it may have been applied. */
  "false refusal",
  /** The store answers outside its contract, or holds what cannot be read. */
  "broken answer",
  /** A process freezes while its lease ends. */
  "freeze",
  /** A process that dispatches is shut down. */
  "shutdown",
  /** The window of a commit ends. */
  "window end",
  /** The record is removed by an operator, or lost by the store. */
  "clear",
] as const;

export type Fault = (typeof faults)[number];

/** In the place of a number: as often as it likes. */
export const UNLIMITED = 7;

/** Limits of the exploration. Everything else, such as ends of leases and failures of handlers, is unlimited. */
export interface Scope {
  /**
   * Number of deliveries of the event, at any time, each to another replica. Several to one replica add no behaviour: later ones
   * join the first while it runs.
   */
  readonly deliveries: number;
  readonly faults: Partial<Readonly<Record<Fault, number>>>;
  readonly mayDispatchUnprotected: boolean;
  readonly renews: boolean;
  readonly canRemove: boolean;
  /** `sometimes` if a refused write may receive the current record. */
  readonly tellsConflicts: "never" | "sometimes";
}

export function scopeOf(
  deliveries: number,
  limits: Scope["faults"],
  how: Partial<Omit<Scope, "deliveries" | "faults">> = {},
): Scope {
  return {
    deliveries,
    faults: limits,
    mayDispatchUnprotected: false,
    renews: true,
    canRemove: true,
    tellsConflicts: "never",
    ...how,
  };
}

/** `4 deliveries on 4 replicas, 2 × crash`: for people. */
export function described({ deliveries, faults: limits, ...how }: Scope): string {
  const counted = (count: number, what: string): string => (count === UNLIMITED ? `any ${what}` : `${count} × ${what}`);
  return [
    deliveries === 1 ? "1 delivery" : `${deliveries} deliveries on ${deliveries} replicas`,
    ...faults.flatMap((fault) => {
      const limit = limits[fault] ?? 0;
      return limit === 0 ? [] : [counted(limit, fault)];
    }),
    ...(how.mayDispatchUnprotected ? ["unprotected dispatches"] : []),
    ...(how.renews ? [] : ["no renewals"]),
    ...(how.canRemove ? [] : ["no removals"]),
    ...(how.tellsConflicts === "never" ? [] : ["conflicts explained"]),
  ].join(", ");
}
