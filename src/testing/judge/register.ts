import type { Revision } from "../../model/store.ts";
import { type Interval, linearize, type Model } from "./linearizability.ts";

/** How a write was answered: `refused` when it is sure that nothing was stored, `unknown` when nobody can say. */
export type WriteAnswer =
  | { readonly type: "stored"; readonly revision: Revision }
  | { readonly type: "conflict" }
  | { readonly type: "refused" }
  | { readonly type: "unknown" };

/** What a key was seen to hold; `value` stands for a record, the same for the same one. */
export type Holding =
  | { readonly type: "held"; readonly revision: Revision; readonly value: string }
  | { readonly type: "nothing" };

/** One operation on one key of a store. A removal stores nothing, under a revision that its caller is not told. */
export type RegisterOperation = Interval & { readonly key: string; readonly process: string } & (
    | {
        readonly call: "put";
        readonly expected: Revision;
        readonly value: string;
        readonly ttlMs: number;
        readonly answer: WriteAnswer;
      }
    | {
        readonly call: "remove";
        readonly expected: Revision;
        readonly answer: { readonly type: "removed" } | Exclude<WriteAnswer, { type: "stored" }>;
      }
    | { readonly call: "get"; readonly answer: Holding }
  );

interface Held {
  /** `undefined` when only the write knows whose answer was lost; it is above `RegisterState.floor`. */
  readonly revision: Revision | undefined;
  readonly value: string;
  /** Before this it cannot have ended. */
  readonly mayEndMs: number;
}

/** What one key holds, at the earliest moment at which it can. */
export interface RegisterState {
  readonly nowMs: number;
  /** The highest revision that is known to have been used. */
  readonly floor: Revision;
  readonly held: Held | undefined;
}

/**
 * A key of a store: a register that is written by compare-and-set, and that may hold nothing again as soon as the time to live
 * of its record is over, but not sooner. When exactly is the store's affair.
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

function shows(state: RegisterState, seen: Holding): readonly RegisterState[] {
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
  /** The longest beginning of an order that was found. */
  readonly order: readonly RegisterOperation[];
  /** The operations of which none can come next. */
  readonly stuck: readonly RegisterOperation[];
}

/** Checks key by key whether the operations can have taken effect one after another. */
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
