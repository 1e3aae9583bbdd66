import { text, wholeNumber } from "../../internal/validate.ts";
import { type ResolvedIdentity, resolveIdentity } from "../../model/identity.ts";
import type { CommitRecord } from "../../model/record.ts";
import type { Entry, Put, Removal, Revision } from "../../model/store.ts";
import type { HistoryRecorder } from "../record/history-recorder.ts";
import { conflictResult } from "../record/operations.ts";
import type { Network } from "./network.ts";
import type { SharedRegister } from "./shared-register.ts";

/** The entry of a key. */
export interface KvEntry {
  /** Written value. */
  readonly value: unknown;
  /** Revision of the write. */
  readonly revision: Revision;
}

/** Options of a write. */
export interface KvHow {
  /** Writes only over this revision, or only to an empty key if 0. @default unconditional */
  readonly expected?: Revision;
  /** Lifetime of the entry in milliseconds, at least 1. @default unlimited */
  readonly ttlMs?: number;
}

/**
 * The simulated store for deduplicators of your own. It holds any JSON value under any key.
 * It throws a `StoreUnavailableError` when it cannot respond. If the error is `ambiguous`, a write may have been applied.
 */
export interface Kv {
  /** Returns the entry of a key, or `undefined`. */
  get(key: string): Promise<KvEntry | undefined>;
  /** Returns `ok: false` if the key did not hold the expected revision. */
  put(key: string, value: unknown, how?: KvHow): Promise<KvPut>;
  /** Returns `ok: false` if the key was empty or did not hold the expected revision. */
  delete(key: string, how?: Pick<KvHow, "expected">): Promise<{ readonly ok: boolean }>;
}

/** Result of a write to a {@link Kv}. */
export type KvPut = { readonly ok: true; readonly revision: Revision } | { readonly ok: false };

/** Workspace of the records that hold values of a {@link Kv}. */
const WORKSPACE = "latchkey/testing: kv";
const UNLIMITED_MS = 1_000 * 365 * 86_400_000;

/** Returns the key and value if the entry belongs to a {@link Kv}. */
export function kvEntryOf({ record }: Entry): { readonly key: string; readonly value: unknown } | undefined {
  if (record.workspaceId !== WORKSPACE || record.state !== "committed") return undefined;
  return { key: record.eventId, value: record.result };
}

/** Returns the register as a {@link Kv} that `task` reaches over the network. Each value is the result of a committed record. */
export function kvOf(task: string, register: SharedRegister, network: Network, recorder: HistoryRecorder): Kv {
  const revisionOf = async ({ storeKey }: ResolvedIdentity, expected: Revision | undefined): Promise<Revision> =>
    expected ?? (await register.get(storeKey))?.revision ?? 0;
  return {
    async get(key) {
      const { storeKey } = placeOf(key);
      const entry = await recorder.operation(
        { operation: "get", key },
        () =>
          network.send({
            task,
            label: `get ${key}`,
            execute: () => register.get(storeKey),
            executeStale: () => register.before(storeKey),
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
          network.send<Put>({
            task,
            label: `put ${key}`,
            execute: async () =>
              register.put(place.storeKey, recordOf(place, task, json), {
                expected: await revisionOf(place, expected),
                ttlMs: ttlMs ?? UNLIMITED_MS,
              }),
          }),
        (answer) => (answer.ok ? { type: "ok", revision: answer.revision } : conflictResult()),
      );
      return put.ok ? put : { ok: false };
    },

    async delete(key, { expected } = {}) {
      const place = placeOf(key);
      const { ok } = await recorder.operation(
        { operation: "delete", key, ...over(expected) },
        () =>
          network.send<Removal>({
            task,
            label: `delete ${key}`,
            execute: async () => register.remove(place.storeKey, { expected: await revisionOf(place, expected) }),
          }),
        (removal) => (removal.ok ? { type: "ok" } : conflictResult()),
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
