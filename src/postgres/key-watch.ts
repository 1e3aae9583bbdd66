import { randomUUID } from "node:crypto";
import { LatchkeyError, StoreUnavailableError } from "../errors.ts";
import { onAbort } from "../internal/abort.ts";
import { AsyncQueue } from "../internal/async-queue.ts";
import { backoffMs } from "../internal/backoff.ts";
import { type Clock, delay } from "../internal/clock.ts";
import { errorMessage } from "../internal/error-message.ts";
import { type KeyFilter, keyMatcher, parseStoreKey, type StoreKey } from "../model/identity.ts";
import type { Change, Entry, Revision } from "../model/store.ts";
import type { Connections } from "./pool.ts";

/** Time for which writes notify a watch after its last registration. */
const REGISTERED_MS = 60_000;
/** Pause between two registrations, which also show that the connection still works. */
const HEARTBEAT_MS = 5_000;
const RECONNECT = { firstMs: 100, longestMs: 5_000 };
/** Failed attempts to reconnect after which a watch ends with the error. */
const MAX_RECONNECTS = 12;

/** The parts of a store that a watch uses. */
export interface WatchedKeys {
  readonly connections: Connections;
  readonly schema: string;
  readonly clock: Clock;
  readonly get: (key: StoreKey) => Promise<Entry | undefined>;
  readonly list: (filter: KeyFilter) => AsyncIterable<Entry>;
}

/** Report of a listening connection. */
type KeyNotification =
  | { readonly type: "put" | "removed"; readonly key: StoreKey; readonly revision: Revision }
  /** Notifications may be missing: the registration ended before it was renewed. */
  | { readonly type: "gap" }
  | { readonly type: "lost"; readonly error: unknown };

/**
 * Yields every change of the matching keys from now on, until the signal aborts. A notification names a key and a revision, and the
 * record is read afterwards. After a lost connection or a gap, the entries that changed in the meantime are read from the table.
 * A removal in the meantime is not reported.
 * @throws {RecordUnreadableError} for an unreadable record.
 * @throws {StoreUnavailableError} if the watch cannot start, or cannot reconnect.
 */
export async function* watchKeys(
  keys: WatchedKeys,
  filter: KeyFilter,
  signal: AbortSignal,
): AsyncGenerator<Change, void> {
  const matches = keyMatcher(filter);
  const name = randomUUID();
  let floor: Revision | undefined;
  for (let failures = 0; !signal.aborted; ) {
    try {
      const listening = await startListening(keys, name);
      try {
        // Everything that was written before has a lower revision.
        if (floor === undefined) floor = listening.revision;
        else yield* changesSince(keys, filter, floor);
        failures = 0;
        for await (const notice of listening.notices.until(signal, () => {})) {
          if (notice.type === "lost") throw notice.error;
          if (notice.type === "gap") yield* changesSince(keys, filter, floor);
          else if (matches(notice.key)) {
            const change = await changeOf(keys, notice);
            if (change !== undefined) yield change;
            floor = Math.max(floor, notice.revision);
          }
        }
      } finally {
        await listening.close();
      }
    } catch (error) {
      failures += 1;
      if (floor === undefined || failures > MAX_RECONNECTS || !isOutage(error)) throw error;
      await delay(keys.clock, backoffMs(failures, RECONNECT), [signal]);
    }
  }
}

/** An error of another kind, such as an unreadable record, would repeat. */
function isOutage(error: unknown): boolean {
  return error instanceof StoreUnavailableError || !(error instanceof LatchkeyError);
}

async function* changesSince(keys: WatchedKeys, filter: KeyFilter, floor: Revision): AsyncGenerator<Change, void> {
  for await (const entry of keys.list(filter)) {
    if (entry.revision > floor) yield { type: "put", entry };
  }
}

/** A key with another revision has changed again, or was removed: another notification reports it. */
async function changeOf(
  { get }: WatchedKeys,
  notice: Extract<KeyNotification, { readonly key: StoreKey }>,
): Promise<Change | undefined> {
  if (notice.type === "removed") return { type: "removed", key: notice.key, revision: notice.revision };
  const entry = await get(notice.key);
  return entry?.revision === notice.revision ? { type: "put", entry } : undefined;
}

interface KeyListener {
  readonly notices: AsyncQueue<KeyNotification>;
  /** Revision before the first notice. */
  readonly revision: Revision;
  readonly close: () => Promise<void>;
}

/** Listens on its own connection, and registers it so that writes send notifications. */
async function startListening({ connections, schema, clock }: WatchedKeys, name: string): Promise<KeyListener> {
  const notices = new AsyncQueue<KeyNotification>();
  const client = await connections.acquire();
  const onNotification = ({ payload = "" }: { readonly payload?: string | undefined }): void => {
    const [, type, key = "", revision] = /^(put|removed) (\S+) (\d+)$/.exec(payload) ?? [];
    if (type === "put" || type === "removed") {
      notices.push({ type, key: parseStoreKey(key), revision: Number(revision) });
    }
  };
  let lost: unknown;
  const onLost = (error: unknown): void => {
    lost ??= error;
    notices.push({ type: "lost", error: lostConnection(error) });
  };
  const closed = new AbortController();
  client.on("notification", onNotification);
  client.on("error", onLost);
  const close = async (): Promise<void> => {
    closed.abort();
    client.off("notification", onNotification);
    if (lost === undefined) {
      await client
        .query(`delete from "${schema}".watchers where name = $1`, [name])
        .then(() => client.query(`unlisten "latchkey:${schema}"`))
        .catch((error: unknown) => (lost = error));
    }
    client.off("error", onLost);
    client.release(lost !== undefined);
  };
  try {
    await client.query(`listen "latchkey:${schema}"`);
    await register();
    const { rows } = await client.query(`select "${schema}".next_revision() as revision`);
    void heartbeats();
    return { notices, revision: Number(Reflect.get(rows[0] ?? {}, "revision")), close };
  } catch (cause) {
    lost ??= cause;
    await close();
    throw lostConnection(cause);
  }

  /** @returns true if the last registration is still valid. */
  async function register(): Promise<boolean> {
    await client.query(`delete from "${schema}".watchers where expires_at < statement_timestamp()`);
    const { rows } = await client.query(
      `with before as (select from "${schema}".watchers where name = $1)
       insert into "${schema}".watchers values ($1, statement_timestamp() + interval '${REGISTERED_MS} milliseconds')
       on conflict (name) do update set expires_at = excluded.expires_at returning exists (select from before) as was_valid`,
      [name],
    );
    return Reflect.get(rows[0] ?? {}, "was_valid") === true;
  }

  /** A connection that does not answer two heartbeats is lost, even if no error says so. */
  async function heartbeats(): Promise<void> {
    const isClosed = (): boolean => closed.signal.aborted;
    while (!isClosed()) {
      await delay(clock, HEARTBEAT_MS, [closed.signal]);
      if (isClosed()) return;
      const answered = new AbortController();
      const stopWaiting = onAbort(closed.signal, () => answered.abort());
      const late = delay(clock, 2 * HEARTBEAT_MS, [answered.signal]).then(() => {
        if (!answered.signal.aborted) onLost(new Error("no answer to a heartbeat"));
      });
      try {
        if (!(await register())) notices.push({ type: "gap" });
      } catch (error) {
        onLost(error);
        return;
      } finally {
        answered.abort();
        stopWaiting();
        await late;
      }
    }
  }
}

function lostConnection(cause: unknown): StoreUnavailableError {
  const message = `The watch lost its connection to PostgreSQL: ${errorMessage(cause)}`;
  return new StoreUnavailableError(message, { ambiguous: false, cause });
}
