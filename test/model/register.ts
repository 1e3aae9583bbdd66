/** Current and previous content of the store's only key. Each attempt knows whether the record is its own. */
export interface Register {
  readonly holds: Holding;
  /** True if the lease of the reservation has ended. The store may then remove it, and other replicas may replace it. */
  readonly hasExpired: boolean;
  /** Previous record, which a stale read may show. */
  readonly previous: Holding;
}

export type Holding = "nothing" | "reservation" | "commit";

/** Content that a write expects. A replaced revision never becomes current again. */
export type Expected = "nothing" | "current" | "gone";

export type WriteKind = "claim" | "renew" | "commit" | "remove";

/** A write in flight. */
export interface Write {
  readonly kind: WriteKind;
  readonly expected: Expected;
}

/** Write in flight that no attempt will recognise: its token was abandoned, or its delivery has ended. */
export interface OrphanedWrite extends Write {
  /** True if the record that its writer expected was its own. */
  readonly owns: boolean;
}

export type Guarantee = "G1" | "G2" | "G3" | "G4" | "G5" | "G6" | "G7" | "G8" | "G9" | "G10" | "G11";

/** A violated guarantee, and how it was violated. */
export interface Violation {
  readonly guarantee: Guarantee;
  readonly what: string;
}

export const emptyRegister: Register = { holds: "nothing", hasExpired: false, previous: "nothing" };

/** Returns true if a compare-and-set would be applied. */
export function matches({ holds }: Register, { kind, expected }: Write): boolean {
  if (expected === "current") return holds !== "nothing";
  return expected === "nothing" && holds === "nothing" && kind !== "remove";
}

/** Returns the register after a write that matches; `hasExpired` if its lease has ended on arrival. */
export function written(register: Register, kind: WriteKind, hasExpired: boolean): Register {
  const emptied = withoutRecord(register);
  if (kind === "remove") return emptied;
  return {
    ...emptied,
    holds: kind === "commit" ? "commit" : "reservation",
    hasExpired: hasExpired && kind !== "commit",
  };
}

/** Returns the register without its record. */
export function withoutRecord({ holds, previous }: Register): Register {
  return { holds: "nothing", hasExpired: false, previous: holds === "nothing" ? previous : holds };
}

/** Returns the guarantee that a matching write violates. `owns` is true if the writer wrote the current record. */
export function violationOf({ holds, hasExpired }: Register, kind: WriteKind, owns: boolean): Violation | undefined {
  if (holds === "commit" && !(kind === "commit" && owns)) {
    return { guarantee: "G3", what: `a commit is ${kind === "remove" ? "removed" : `overwritten by a ${kind}`}` };
  }
  if (kind === "claim") {
    const isLive = holds === "reservation" && !hasExpired;
    return isLive ? { guarantee: "G5", what: "a reservation is claimed before its lease has ended" } : undefined;
  }
  if (holds === "reservation" && !owns)
    return { guarantee: "G5", what: `a ${kind} changes another holder's reservation` };
  const isRevived = holds === "nothing" && kind === "renew";
  return isRevived ? { guarantee: "G5", what: "a removed reservation is renewed" } : undefined;
}

const HOLDINGS: readonly Holding[] = ["nothing", "reservation", "commit"];
const KINDS: readonly WriteKind[] = ["claim", "renew", "commit", "remove"];

const registers: readonly Register[] = HOLDINGS.flatMap((previous) =>
  HOLDINGS.flatMap((holds) => [false, true].map((hasExpired) => ({ holds, hasExpired, previous }))),
);
const orphans: readonly OrphanedWrite[] = KINDS.flatMap((kind) =>
  (["nothing", "current"] as const).flatMap((expected) => [false, true].map((owns) => ({ kind, expected, owns }))),
);

/** Number of codes of registers. */
export const REGISTERS: number = registers.length;

/** Encodes a register as a small number. */
export function registerCode({ holds, hasExpired, previous }: Register): number {
  return (HOLDINGS.indexOf(previous) * HOLDINGS.length + HOLDINGS.indexOf(holds)) * 2 + (hasExpired ? 1 : 0);
}

export function registerOf(code: number): Register {
  const register = registers[code];
  if (register === undefined) throw new RangeError(`No register has the code ${code}`);
  return register;
}

/** Encodes an orphaned write as a small number. Returns no code for a write that can never be applied. */
export function orphanCodes({ kind, expected, owns }: OrphanedWrite): readonly number[] {
  if (expected === "gone" || (kind === "remove" && expected === "nothing")) return [];
  return [(KINDS.indexOf(kind) * 2 + (expected === "current" ? 1 : 0)) * 2 + (owns ? 1 : 0)];
}

export function orphanOf(code: number): OrphanedWrite {
  const orphan = orphans[code];
  if (orphan === undefined) throw new RangeError(`No orphaned write has the code ${code}`);
  return orphan;
}
