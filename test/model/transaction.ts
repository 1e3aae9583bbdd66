import type { Violation } from "./register.ts";

/** A statement of a handler. Everything since the last commit is one transaction. */
export type Statement = "find marker" | "insert marker" | "effect" | "keep value" | "commit";

/** How handlers have their effect in a database with a marker. A mutant differs from `effectOnce` in one field. */
export interface EffectProtocol {
  readonly statements: readonly Statement[];
  /** True if markers have a primary key: an insert waits for the open transaction that has inserted the same marker. */
  readonly isUnique: boolean;
  /** True if a marker with a higher fence refuses the holder. */
  readonly refusesLowerFences: boolean;
  /** Scope of a marker. */
  readonly markerOf: "event" | "event of all workspaces" | "attempt";
}

export const effectOnceProtocol: EffectProtocol = {
  statements: ["insert marker", "effect", "keep value", "commit"],
  isUnique: true,
  refusesLowerFences: true,
  markerOf: "event",
};

/** Committed content of the database, and the lock on the marker of the event. */
export interface Database {
  readonly marker: (typeof MARKERS)[number];
  /** Rank of the marker's fence among the fences of all attempts, 0 without one. */
  readonly fence: number;
  /** Number of committed effects of the event. */
  readonly effects: number;
  /** True if an open transaction has inserted the marker. */
  readonly isLocked: boolean;
  /** State of another tenant's event with the same ids: absent, or with or without its effect. */
  readonly otherTenant: (typeof TENANTS)[number];
}

const MARKERS = ["none", "without value", "with value"] as const;
const TENANTS = ["absent", "due", "done"] as const;
const MAX_FENCES = 8;
const MAX_EFFECTS = 2;

export const emptyDatabase: Database = {
  marker: "none",
  fence: 0,
  effects: 0,
  isLocked: false,
  otherTenant: "absent",
};

/** Rank of a new reservation's fence, above those of all attempts and the marker. */
export const NEWEST_FENCE: number = MAX_FENCES - 1;

/** Number of codes of databases. */
export const DATABASES: number = MARKERS.length * MAX_FENCES * (MAX_EFFECTS + 1) * 2 * TENANTS.length;

/** Encodes a database as a small number. The empty one is 0. */
export function databaseCode({ marker, fence, effects, isLocked, otherTenant }: Database): number {
  const digits = [MARKERS.indexOf(marker), fence, effects, isLocked ? 1 : 0, TENANTS.indexOf(otherTenant)];
  return digits.reduce((code, digit, at) => code * (BASES[at] ?? 1) + digit, 0);
}

export function databaseOf(code: number): Database {
  const database = databases[code];
  if (database === undefined) throw new RangeError(`No database has the code ${code}`);
  return database;
}

const BASES = [MARKERS.length, MAX_FENCES, MAX_EFFECTS + 1, 2, TENANTS.length];

const databases: readonly Database[] = MARKERS.flatMap((marker) =>
  Array.from({ length: MAX_FENCES }, (_, fence) => fence).flatMap((fence) =>
    [0, 1, MAX_EFFECTS].flatMap((effects) =>
      [false, true].flatMap((isLocked) =>
        TENANTS.map((otherTenant): Database => ({ marker, fence, effects, isLocked, otherTenant })),
      ),
    ),
  ),
);

/** Result of the next statements of a handler. `next` is undefined if a marker with a higher fence refuses the holder. */
export interface Executed {
  readonly label: string;
  readonly next: number | undefined;
  readonly database: Database;
  readonly violations: readonly Violation[];
}

/**
 * Executes the statements of a handler from `from` up to the first that other transactions notice. Returns undefined if there is
 * none, or if it waits for another transaction.
 */
export function execute(
  protocol: EffectProtocol,
  database: Database,
  { from, fence }: { readonly from: number; readonly fence: number },
): Executed | undefined {
  const { statements } = protocol;
  const at = statements.findIndex((statement, index) => index >= from && isShared(statement));
  const statement = statements[at];
  if (statement === undefined) return undefined;
  const label = `its transaction: ${statements.slice(from, at + 1).join(", ")}`;
  if (statement === "commit") return { label, next: at + 1, ...committed(protocol, database, at, fence) };
  if (statement === "insert marker" && isContended(protocol) && database.isLocked) return undefined;
  const isFound = database.marker !== "none" && protocol.markerOf !== "attempt";
  if (!isFound) {
    const isLocked = database.isLocked || (isContended(protocol) && statement === "insert marker");
    return { label, next: at + 1, database: { ...database, isLocked }, violations: [] };
  }
  const isLower = fence > 0 && database.fence > fence;
  if (isLower && protocol.refusesLowerFences) {
    return { label: `${label}, refused because of its fence`, next: undefined, database, violations: [] };
  }
  const violations: Violation[] = [
    ...violation(isLower, "a holder is not refused although its fence is lower than the marker's"),
    ...violation(database.effects === 0, "a handler finds a marker, and the effect was never committed"),
    ...violation(database.marker === "without value", "a handler finds a marker without the value of the effect"),
  ];
  return { label: `${label}, which exists`, next: statements.length, database, violations };
}

/** Returns true if an open transaction that has executed the first `count` statements has inserted the marker. */
export function holdsMarker(protocol: EffectProtocol, count: number): boolean {
  return isContended(protocol) && uncommitted(protocol.statements, count).includes("insert marker");
}

/** Returns true if two attempts cannot both insert their marker. */
function isContended({ isUnique, markerOf }: EffectProtocol): boolean {
  return isUnique && markerOf !== "attempt";
}

/** Returns the database after the effect of another tenant's event. Returns undefined if it waits, or if there is no such event. */
export function otherTenantsEffect(
  { markerOf }: EffectProtocol,
  database: Database,
): Pick<Executed, "database" | "violations"> | undefined {
  if (database.otherTenant !== "due") return undefined;
  const after: Database = { ...database, otherTenant: "done" };
  if (markerOf !== "event of all workspaces") return { database: after, violations: [] };
  if (database.isLocked) return undefined;
  const violations = violation(
    database.marker !== "none",
    "another tenant's event finds this marker, and has no effect",
  );
  return { database: { ...after, marker: "with value" }, violations };
}

/** Describes what is committed, for example `1 effect, marker with value`. */
export function describeDatabase({ effects, marker }: Database): string {
  return `${effects === 1 ? "1 effect" : `${effects} effects`}, marker ${marker}`;
}

function committed(
  { statements, markerOf }: EffectProtocol,
  database: Database,
  at: number,
  fence: number,
): Pick<Executed, "database" | "violations"> {
  const done = uncommitted(statements, at);
  const isMarked = done.includes("insert marker");
  const marker = done.includes("keep value") ? "with value" : isMarked ? "without value" : database.marker;
  const effects = Math.min(MAX_EFFECTS, database.effects + (done.includes("effect") ? 1 : 0));
  return {
    database: {
      ...database,
      marker,
      effects,
      fence: isMarked && markerOf !== "attempt" ? Math.max(fence, database.fence) : database.fence,
      isLocked: database.isLocked && !isMarked,
    },
    violations: violation(effects === MAX_EFFECTS, "the effect of an event is committed twice"),
  };
}

/** Returns the statements of the transaction that is open after the first `count` statements. */
function uncommitted(statements: readonly Statement[], count: number): readonly Statement[] {
  const executed = statements.slice(0, count);
  return executed.slice(executed.lastIndexOf("commit") + 1);
}

/** Returns true if a statement reads or changes what other transactions see, or waits for them. */
function isShared(statement: Statement): boolean {
  return statement === "find marker" || statement === "insert marker" || statement === "commit";
}

function violation(isSo: boolean, what: string): Violation[] {
  return isSo ? [{ guarantee: "G11", what }] : [];
}
