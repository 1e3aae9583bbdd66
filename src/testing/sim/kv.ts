import { text, wholeNumber } from "../../internal/validate.ts";
import { type ResolvedIdentity, resolveIdentity } from "../../model/identity.ts";
import type { CommitRecord } from "../../model/record.ts";
import type { Entry, Put, Removal, Revision } from "../../model/store.ts";
import { conflict } from "../record/operations.ts";
import type { HistoryRecorder } from "../record/recorder.ts";
import type { Network } from "./network.ts";
import type { SharedRegister } from "./shared-register.ts";

/** What a key holds. */
export interface KvEntry {
  readonly value: unknown;
  readonly revision: Revision;
}

/** What a write depends on, and how long it lasts. */
export interface KvHow {
  /** Write only over this revision; 0: only if the key holds nothing. @default over whatever is there */
  readonly expected?: Revision;
  /** How long the key lives, in milliseconds, at least 1. @default for ever */
  readonly ttlMs?: number;
}

/**
 * The simulated store for deduplicators of one's own: any JSON under any key.
 * When it cannot answer, it throws a `StoreUnavailableError`; with `ambiguous`, a write may have been done all the same.
 */
export interface Kv {
  get(key: string): Promise<KvEntry | undefined>;
  /** `ok: false` when the key did not hold what was expected. */
  put(key: string, value: unknown, how?: KvHow): Promise<KvPut>;
  /** `ok: false` when the key held nothing, or not what was expected. */
  delete(key: string, how?: Pick<KvHow, "expected">): Promise<{ readonly ok: boolean }>;
}

/** How a write of a {@link Kv} ended. */
export type KvPut = { readonly ok: true; readonly revision: Revision } | { readonly ok: false };

/** Marks the records that are values of a {@link Kv}. */
const WORKSPACE = "latchkey/testing: kv";
const FOR_EVER_MS = 1_000 * 365 * 86_400_000;

/** The key and value of a {@link Kv}, if the entry is one of its. */
export function kvEntryOf({ record }: Entry): { readonly key: string; readonly value: unknown } | undefined {
  if (record.workspaceId !== WORKSPACE || record.state !== "committed") return undefined;
  return { key: record.eventId, value: record.result };
}

/** The register as a {@link Kv}, as `task` reaches it: each value is the result of a committed record. */
export function kvOf(task: string, register: SharedRegister, network: Network, recorder: HistoryRecorder): Kv {
  const revisionOf = async ({ storeKey }: ResolvedIdentity, expected: Revision | undefined): Promise<Revision> =>
    expected ?? (await register.get(storeKey))?.revision ?? 0;
  return {
    async get(key) {
      const { storeKey } = placeOf(key);
      const entry = await recorder.operation(
        { operation: "get", key },
        () =>
          network.ask({
            task,
            label: `get ${key}`,
            ask: () => register.get(storeKey),
            stale: () => register.before(storeKey),
          }),
        (found) => ({ type: "ok", revision: found?.revision ?? 0, value: found && kvEntryOf(found)?.value }),
      );
      return entry && { value: kvEntryOf(entry)?.value, revision: entry.revision };
    },

    async put(key, value, { expected, ttlMs } = {}) {
      const place = placeOf(key);
      const json: unknown = JSON.parse(JSON.stringify(value ?? null));
      if (ttlMs !== undefined) wholeNumber("ttlMs", ttlMs, 1);
      const put = await recorder.operation(
        { operation: "put", key, value: json, ...over(expected), ...(ttlMs === undefined ? {} : { ttlMs }) },
        () =>
          network.ask<Put>({
            task,
            label: `put ${key}`,
            ask: async () =>
              register.put(place.storeKey, recordOf(place, task, json), {
                expected: await revisionOf(place, expected),
                ttlMs: ttlMs ?? FOR_EVER_MS,
              }),
          }),
        (answer) => (answer.ok ? { type: "ok", revision: answer.revision } : conflict()),
      );
      return put.ok ? put : { ok: false };
    },

    async delete(key, { expected } = {}) {
      const place = placeOf(key);
      const { ok } = await recorder.operation(
        { operation: "delete", key, ...over(expected) },
        () =>
          network.ask<Removal>({
            task,
            label: `delete ${key}`,
            ask: async () => register.remove(place.storeKey, { expected: await revisionOf(place, expected) }),
          }),
        (removal) => (removal.ok ? { type: "ok" } : conflict()),
      );
      return { ok };
    },
  };
}

function placeOf(key: string): ResolvedIdentity {
  return resolveIdentity({ workspaceId: WORKSPACE, subscriptionId: "kv", eventId: text("key", key) });
}

function recordOf(
  { workspaceId, subscriptionId, eventId }: ResolvedIdentity,
  owner: string,
  result: unknown,
): CommitRecord {
  const fixed = { v: 1, state: "committed", token: "kv", attempt: 1, fence: 0, leaseMs: 1, atMs: 0 } as const;
  return { ...fixed, workspaceId, subscriptionId, eventId, owner, result };
}

function over(expected: Revision | undefined): { readonly expected?: Revision } {
  return expected === undefined ? {} : { expected: wholeNumber("expected", expected, 0) };
}
