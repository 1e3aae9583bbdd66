/** Content of the store's only key, now and before. Each attempt knows whether the record is its own. */
export interface Register {
  readonly holds: Holding;
  /** True if the lease of the reservation has ended, so that the store may remove it and others may replace it. */
  readonly isOver: boolean;
  /** Previous record, which a stale read may show. */
  readonly held: Holding;
}

export type Holding = "nothing" | "reservation" | "commit";

/** Content that a write expects. A replaced revision never returns. */
export type Expected = "nothing" | "current" | "gone";

export type WriteKind = "claim" | "renew" | "commit" | "remove";

/** A write in flight. */
export interface Write {
  readonly kind: WriteKind;
  readonly expected: Expected;
}

/** A write that no attempt will recognise: its token was abandoned, or its delivery has ended. */
export interface Ghost extends Write {
  /** True if the record that its writer expected was its own. */
  readonly owns: boolean;
}

export type Guarantee = "G1" | "G2" | "G3" | "G4" | "G5" | "G6" | "G7" | "G8" | "G9" | "G10";

/** A guarantee that does not hold. */
export interface Violation {
  readonly guarantee: Guarantee;
  readonly what: string;
}

export const emptyRegister: Register = { holds: "nothing", isOver: false, held: "nothing" };

/** Returns true if a compare-and-set would be applied. */
export function matches({ holds }: Register, { kind, expected }: Write): boolean {
  if (expected === "current") return holds !== "nothing";
  return expected === "nothing" && holds === "nothing" && kind !== "remove";
}

/** Returns the register after a write that matches; `isOver` if its lease has ended on arrival. */
export function written(register: Register, kind: WriteKind, isOver: boolean): Register {
  const emptied = withoutRecord(register);
  if (kind === "remove") return emptied;
  return { ...emptied, holds: kind === "commit" ? "commit" : "reservation", isOver: isOver && kind !== "commit" };
}

/** Returns the register without its record. */
export function withoutRecord({ holds, held }: Register): Register {
  return { holds: "nothing", isOver: false, held: holds === "nothing" ? held : holds };
}

/** Returns the guarantee that a matching write violates. `owns` is true if the writer wrote the current record. */
export function misuse({ holds, isOver }: Register, kind: WriteKind, owns: boolean): Violation | undefined {
  if (holds === "commit" && !(kind === "commit" && owns)) {
    return { guarantee: "G3", what: `a commit is ${kind === "remove" ? "removed" : `written over by a ${kind}`}` };
  }
  if (kind === "claim") {
    const isLive = holds === "reservation" && !isOver;
    return isLive ? { guarantee: "G5", what: "a reservation whose lease is not over is claimed" } : undefined;
  }
  if (holds === "reservation" && !owns) return { guarantee: "G5", what: `a ${kind} hits another's reservation` };
  const isRevived = holds === "nothing" && kind === "renew";
  return isRevived ? { guarantee: "G5", what: "a reservation that is gone is renewed" } : undefined;
}

const HOLDINGS: readonly Holding[] = ["nothing", "reservation", "commit"];
const KINDS: readonly WriteKind[] = ["claim", "renew", "commit", "remove"];

const registers: readonly Register[] = HOLDINGS.flatMap((held) =>
  HOLDINGS.flatMap((holds) => [false, true].map((isOver) => ({ holds, isOver, held }))),
);
const ghosts: readonly Ghost[] = KINDS.flatMap((kind) =>
  (["nothing", "current"] as const).flatMap((expected) => [false, true].map((owns) => ({ kind, expected, owns }))),
);

/** A register as a small number. */
export function registerCode({ holds, isOver, held }: Register): number {
  return (HOLDINGS.indexOf(held) * HOLDINGS.length + HOLDINGS.indexOf(holds)) * 2 + (isOver ? 1 : 0);
}

export function registerOf(code: number): Register {
  const register = registers[code];
  if (register === undefined) throw new RangeError(`No register has the code ${code}`);
  return register;
}

/** A ghost as a small number; none for one that can never land. */
export function ghostCodes({ kind, expected, owns }: Ghost): readonly number[] {
  if (expected === "gone" || (kind === "remove" && expected === "nothing")) return [];
  return [(KINDS.indexOf(kind) * 2 + (expected === "current" ? 1 : 0)) * 2 + (owns ? 1 : 0)];
}

export function ghostOf(code: number): Ghost {
  const ghost = ghosts[code];
  if (ghost === undefined) throw new RangeError(`No ghost has the code ${code}`);
  return ghost;
}
