import type { Revision } from "../../model/store.ts";
import { type Interval, linearize, type Model } from "./linearizability.ts";

/** Result of a write: `refused` if it certainly stored nothing, `unknown` if it may have been applied. */
export type RegisterWrite =
  | { readonly type: "stored"; readonly revision: Revision }
  | { readonly type: "conflict" }
  | { readonly type: "refused" }
  | { readonly type: "unknown" };

/** Result of a read. Equal values mean equal records. */
export type ReadResult =
  | { readonly type: "held"; readonly revision: Revision; readonly value: string }
  | { readonly type: "nothing" };

/** One operation on one key of a store. The store does not return the revision of a removal. */
export type RegisterOperation = Interval & { readonly key: string; readonly process: string } & (
    | {
        readonly call: "put";
        readonly expected: Revision;
        readonly value: string;
        readonly ttlMs: number;
        readonly answer: RegisterWrite;
      }
    | {
        readonly call: "remove";
        readonly expected: Revision;
        readonly answer: { readonly type: "removed" } | Exclude<RegisterWrite, { type: "stored" }>;
      }
    | { readonly call: "get"; readonly answer: ReadResult }
  );

interface Held {
  /** Missing if the response of the write was lost. The revision is then above `RegisterState.floor`. */
  readonly revision: Revision | undefined;
  readonly value: string;
  /** Earliest end of the entry. */
  readonly mayEndMs: number;
}

/** State of one key, at the earliest possible time. */
export interface RegisterState {
  readonly nowMs: number;
  /** Highest revision that is known to be used. */
  readonly floor: Revision;
  readonly held: Held | undefined;
}

/**
 * Model of one key: a register with compare-and-set. It may become empty at any time after the time to live of its record, but
 * not before.
 */
export const register: Model<RegisterState, RegisterOperation> = {
  initial: { nowMs: Number.NEGATIVE_INFINITY, floor: 0, held: undefined },
  after: (state, operation) =>
    [state, ...ended(state)].flatMap((before) => {
      const nowMs = Math.max(before.nowMs, operation.invokedMs);
      return nowMs > operation.returnedMs ? [] : effect({ ...before, nowMs }, operation);
    }),
  nameOf: ({ nowMs, floor, held }) =>
    `${nowMs} ${floor} ${held === undefined ? "" : `${held.revision} ${held.mayEndMs} ${held.value}`}`,
};

function ended({ nowMs, floor, held }: RegisterState): readonly RegisterState[] {
  return held === undefined ? [] : [{ nowMs: Math.max(nowMs, held.mayEndMs), floor, held: undefined }];
}

function effect(state: RegisterState, operation: RegisterOperation): readonly RegisterState[] {
  if (operation.call === "get") return shows(state, operation.answer);
  const { answer } = operation;
  switch (answer.type) {
    case "refused":
      return [state];
    case "conflict":
      return surelyHolds(state, operation.expected) ? [] : [state];
    case "stored":
      if (answer.revision <= Math.max(state.floor, operation.expected)) return [];
      return written(state, operation, answer.revision);
    case "removed":
    case "unknown":
      return written(state, operation, undefined);
  }
}

function written(
  state: RegisterState,
  operation: Exclude<RegisterOperation, { call: "get" }>,
  revision: Revision | undefined,
): readonly RegisterState[] {
  if (!mayHold(state, operation.expected)) return [];
  const { nowMs } = state;
  const floor = revision ?? Math.max(state.floor, operation.expected);
  if (operation.call === "remove") return [{ nowMs, floor, held: undefined }];
  return [{ nowMs, floor, held: { revision, value: operation.value, mayEndMs: nowMs + operation.ttlMs } }];
}

function shows(state: RegisterState, seen: ReadResult): readonly RegisterState[] {
  const { nowMs, floor, held } = state;
  if (seen.type === "nothing") return held === undefined ? [state] : [];
  if (held === undefined || held.value !== seen.value || !mayHold(state, seen.revision)) return [];
  return [{ nowMs, floor: Math.max(floor, seen.revision), held: { ...held, revision: seen.revision } }];
}

function mayHold({ floor, held }: RegisterState, revision: Revision): boolean {
  if (held === undefined || revision === 0) return held === undefined && revision === 0;
  return held.revision === undefined ? revision > floor : revision === held.revision;
}

function surelyHolds({ held }: RegisterState, revision: Revision): boolean {
  return held === undefined ? revision === 0 : held.revision !== undefined && held.revision === revision;
}

/** A key whose operations fit no order. */
export interface NotLinearizable {
  readonly key: string;
  /** Longest start of an order that was found. */
  readonly order: readonly RegisterOperation[];
  /** Operations that cannot come next. */
  readonly stuck: readonly RegisterOperation[];
}

/** Checks for each key whether its operations can have taken effect one after another. Returns the keys that fail. */
export function checkRegister(operations: readonly RegisterOperation[]): readonly NotLinearizable[] {
  const byKey = new Map<string, RegisterOperation[]>();
  for (const operation of operations) {
    const ofKey = byKey.get(operation.key);
    if (ofKey === undefined) byKey.set(operation.key, [operation]);
    else ofKey.push(operation);
  }
  return [...byKey].flatMap(([key, ofKey]) => {
    const result = linearize(ofKey, register);
    return result.found ? [] : [{ key, order: result.order, stuck: result.stuck }];
  });
}
