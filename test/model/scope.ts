import type { EffectProtocol } from "./transaction.ts";

/** Faults, each limited by the scope. */
export const faults = [
  /** A process dies with everything in progress. Its messages may still arrive. */
  "crash",
  /** A request or an answer is lost, a write arrives late, or the store refuses temporarily. */
  "trouble",
  /** An answer takes longer than a lease. */
  "slowness",
  /** A read shows the previous record, or nothing. */
  "stale read",
  /** A server with stale data reports a valid write as refused. The write may have been applied. */
  "false refusal",
  /** The store violates its contract, or contains a record that cannot be decoded. */
  "broken answer",
  /** A process freezes while its lease ends. */
  "freeze",
  /** A process shuts down during a dispatch. */
  "shutdown",
  /** The window of a commit ends. */
  "window end",
  /** The record is removed by an operator, or lost by the store. */
  "clear",
] as const;

export type Fault = (typeof faults)[number];

/** Limit of a fault that may happen any number of times. */
export const UNLIMITED = 7;

/** Limits of the exploration. Everything else, such as ends of leases and failures of handlers, is unlimited. */
export interface Scope {
  /**
   * Maximum number of deliveries of the event, each to another replica. Several deliveries to one replica add no behaviour: later
   * ones join the first while it runs.
   */
  readonly deliveries: number;
  readonly faults: Partial<Readonly<Record<Fault, number>>>;
  readonly mayDispatchUnprotected: boolean;
  readonly renews: boolean;
  readonly canRemove: boolean;
  /** `sometimes` if a refused write may receive the current record. */
  readonly explainsConflicts: "never" | "sometimes";
  /** Handlers have an effect in a database. Undefined if they do nothing that is modelled. */
  readonly effects: { readonly protocol: EffectProtocol; readonly tenants: 1 | 2 } | undefined;
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
    explainsConflicts: "never",
    effects: undefined,
    ...how,
  };
}

/** Describes a scope, for example `4 deliveries on 4 replicas, 2 × crash`. */
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
    ...(how.explainsConflicts === "never" ? [] : ["conflicts explained"]),
    ...(how.effects === undefined ? [] : ["effects in a database"]),
    ...(how.effects?.tenants === 2 ? ["two tenants"] : []),
  ].join(", ");
}
