import { storeResult } from "../engine/stored-result.ts";
import { expected, objectWith, text, wholeNumber } from "../internal/validate.ts";
import type { Reservation } from "../model/decision.ts";
import { FencedError } from "./fenced-error.ts";
import { checkSchema, DEFAULT_SCHEMA, UNFINISHED_EFFECT } from "./schema.ts";
import { explained } from "./set-up-error.ts";
import { type RunSql, type SqlClient, type SqlValue, sqlOf, sqlStateOf } from "./sql.ts";

/** The part of a reservation that {@link effectOnce} uses. A receiver may have it from the headers of a request. */
export type EffectReservation = Pick<Reservation, "fence"> & {
  /** Idempotency key of the event, at most 512 characters. */
  readonly idempotencyKey: string;
};

/** Options of {@link effectOnce}. */
export interface EffectOnceOptions {
  /** Name of this effect, for an event with several: each is done once. @default "" */
  readonly name?: string;
  /**
   * Minimum time for which the marker is kept, in milliseconds, at least 1,000. Keep it longer than any delivery may come back.
   * @default 2_592_000_000 (30 days)
   */
  readonly keepMs?: number;
  /** Schema of the table. @default "latchkey" */
  readonly schema?: string;
}

const DEFAULT_KEEP_MS = 30 * 86_400_000;
const MIN_KEEP_MS = 1_000;
/** A hundred years. */
const MAX_KEEP_MS = 100 * 365 * 86_400_000;
const MAX_KEY_LENGTH = 512;
const MAX_NAME_LENGTH = 128;
/** A marker that was in the way can expire before it is read. The second attempt then inserts. */
const MAX_ROUNDS = 3;

/**
 * Runs an effect once per idempotency key: inserts a marker in the caller's transaction, runs `effect`, and stores its value with the
 * marker. Effect, marker and value commit together, or none does. If the key has a marker, returns the stored value instead.
 *
 *     tx    insert marker ── effect ── store value ── commit
 *           │ another transaction with the key waits here until this one ends
 *           └ a marker exists: return its value
 *
 * Every run returns the value in its JSON form; `undefined` if the effect returns nothing. Do not catch an error and commit:
 * the database refuses to commit a marker whose effect did not finish.
 * @param tx connection or transaction of `pg` or `postgres`, or an adapter. It must be inside a transaction.
 * @throws {FencedError} if a marker of the key has a higher fence. A fence of 0 is no fence.
 * @throws {ResultNotKeptError} if the value has no JSON form, or one beyond 64 KiB or 100 levels. Roll back.
 * @throws {StoreMisconfiguredError} if the table is missing.
 * @throws {StoreForbiddenError} if the role may not use the table.
 * @throws {TypeError | RangeError} that names the wrong argument, or outside a transaction.
 * @throws the driver's own errors, such as serialisation failures and deadlocks, and what `effect` throws.
 */
export async function effectOnce<Value>(
  tx: SqlClient,
  reservation: EffectReservation,
  effect: () => Value | PromiseLike<Value>,
  options: EffectOnceOptions = {},
): Promise<Value> {
  const marker = new Marker(sqlOf("tx", tx), reservation, options);
  if (typeof effect !== "function") throw new TypeError(expected("effect", "a function", effect));
  const existing = await marker.insert();
  if (existing !== undefined) return decode(existing.value, effect);
  const stored = storeResult(await effect());
  if (stored.state === "failed") throw stored.error;
  const encoded = stored.state === "stored" ? JSON.stringify(stored.result) : null;
  await marker.finish(encoded);
  return decode(encoded, effect);
}

/** Decodes the value in a marker. The same effect wrote it, so it has the type of that effect's value. */
function decode<Value>(encoded: string | null, effect: () => Value | PromiseLike<Value>): Value;
function decode(encoded: string | null): unknown {
  const value: unknown = encoded === null ? undefined : JSON.parse(encoded);
  return value;
}

/** A marker of an earlier transaction, with the JSON of its effect's value. */
interface StoredMarker {
  readonly value: string | null;
}

/** The marker of one effect, in the caller's transaction. */
class Marker {
  readonly #run: RunSql;
  readonly #table: string;
  readonly #key: string;
  readonly #name: string;
  readonly #fence: number;
  readonly #keepMs: number;

  constructor(run: RunSql, reservation: EffectReservation, options: EffectOnceOptions) {
    objectWith("reservation", reservation);
    objectWith("options", options);
    this.#run = run;
    this.#table = `"${checkSchema(options.schema ?? DEFAULT_SCHEMA)}".effects`;
    this.#key = shortText("reservation.idempotencyKey", reservation.idempotencyKey, MAX_KEY_LENGTH);
    this.#name = options.name === undefined ? "" : shortText("name", options.name, MAX_NAME_LENGTH);
    this.#fence = wholeNumber("reservation.fence", reservation.fence, 0);
    this.#keepMs = wholeNumber("keepMs", options.keepMs ?? DEFAULT_KEEP_MS, MIN_KEEP_MS, MAX_KEEP_MS);
  }

  /**
   * Inserts the marker, or returns the one that exists. The primary key decides, and makes concurrent transactions wait.
   * In repeatable read and serializable transactions, a marker that the snapshot does not show is a serialisation failure.
   */
  async insert(): Promise<StoredMarker | undefined> {
    for (let round = 1; round <= MAX_ROUNDS; round += 1) {
      const inserted = await this.#ask(
        `with given (key, name, fence, keep_ms) as (values ($1::text, $2::text, $3::bigint, $4::float8))
         insert into ${this.#table} (key, name, fence, expires_at)
         select key, name, fence, clock_timestamp() + keep_ms * interval '1 millisecond' from given
         where fence = 0 or not exists (
           select from ${this.#table} as later where later.key = given.key and later.fence > given.fence
         )
         on conflict (key, name) do nothing
         returning true`,
        [this.#key, this.#name, this.#fence, this.#keepMs],
      );
      if (inserted.length > 0) return undefined;
      const existing = await this.#read();
      if (existing !== undefined) return existing;
    }
    throw new Error(`The marker of ${this.#key} was removed again and again while it was read`);
  }

  async finish(value: string | null): Promise<void> {
    const finished = await this.#ask(
      `update ${this.#table} set finished = true, value = $1::text
       where key = $2::text and name = $3::text and not finished returning true`,
      [value, this.#key, this.#name],
    );
    if (finished.length === 0) throw new Error(`The marker of ${this.#key} disappeared while its effect ran`);
  }

  async #read(): Promise<StoredMarker | undefined> {
    const markers = await this.#ask(
      `select name, fence, finished, xid = pg_current_xact_id_if_assigned() as own,
         case when name = $1::text then value end as value
       from ${this.#table} where key = $2::text`,
      [this.#name, this.#key],
    );
    const storedFence = Math.max(0, ...markers.map(({ fence }) => Number(fence)));
    if (this.#fence > 0 && storedFence > this.#fence) throw new FencedError(this.#key, this.#fence, storedFence);
    const marker = markers.find(({ name }) => name === this.#name);
    if (marker === undefined) return undefined;
    if (marker["own"] === true) {
      throw new TypeError(expected("name", "different for each effect of an event in one transaction", this.#name));
    }
    const { value } = marker;
    return { value: typeof value === "string" ? value : null };
  }

  async #ask(statement: string, values: SqlValue[]): ReturnType<RunSql> {
    try {
      return await this.#run(statement, values);
    } catch (cause) {
      if (sqlStateOf(cause) === UNFINISHED_EFFECT) {
        throw new TypeError("Expected `tx` to be inside a transaction, got a connection that commits each statement", {
          cause,
        });
      }
      throw explained(this.#table, cause);
    }
  }
}

/** PostgreSQL's text cannot contain NUL, and an index entry has a maximum size. */
function shortText(field: string, value: unknown, maxLength: number): string {
  const checked = text(field, value);
  if (checked.length <= maxLength && !checked.includes("\0")) return checked;
  throw new TypeError(expected(field, `at most ${maxLength} characters without NUL`, checked));
}
