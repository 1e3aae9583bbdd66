import type { Overview, ShownAttempt, SourceInfo } from "../../../src/inspect/server/wire.ts";
import type { KeyedIdentity, TraceEvent } from "../../../src/inspect/trace/trace-event.ts";

export const identity: KeyedIdentity = {
  storeKey: "w.s.d",
  workspaceId: "default",
  subscriptionId: "sub-1",
  eventId: "evt-1",
};

export function traceEvent(type: TraceEvent["type"], more: Partial<TraceEvent> = {}): TraceEvent {
  return {
    type,
    identity,
    atMs: 1_000,
    replica: "a",
    owner: "a",
    attempt: 1,
    fence: 7,
    revision: 7,
    durationMs: 0,
    forMs: 0,
    cause: "",
    ...more,
  };
}

export function attempt(number: number, more: Partial<ShownAttempt> = {}): ShownAttempt {
  const eventId = `evt-${number}`;
  return {
    id: `key-${number}`,
    identity: { ...identity, storeKey: `key-${number}`, eventId },
    owner: "a",
    attempt: 1,
    fence: number,
    revision: number,
    renewals: 0,
    phase: "running",
    hold: "held",
    suspicion: undefined,
    beganAtMs: number,
    leaseFromMs: number,
    leaseMs: 1_000,
    ...more,
  };
}

export const source: SourceInfo = {
  sees: "process",
  name: "tests",
  canChange: true,
  needsToken: true,
  hasDeadLetters: false,
  links: [],
  skewMs: 0,
  bucketMs: 1_000,
};

export function overview(more: Partial<Overview> = {}): Overview {
  return { nowMs: 10_000, totals: {}, transitions: {}, points: [], trace: [], store: { state: "available" }, ...more };
}
