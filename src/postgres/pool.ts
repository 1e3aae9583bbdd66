import { StoreUnavailableError } from "../errors.ts";
import { type Clock, delay } from "../internal/clock.ts";
import { type Row, type SqlValue, sqlStateOf } from "./sql.ts";

/** The part of a connection of `pg` that a store uses. */
export interface PgClient {
  /** Runs one statement. */
  query(text: string, values?: SqlValue[]): Promise<{ readonly rows: readonly object[] }>;
  /** Returns the connection to its pool, or closes it. */
  release(destroy?: Error | boolean): void;
  /** Adds a listener. */
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "notification", listener: (message: { readonly payload?: string | undefined }) => void): unknown;
  /** Removes a listener. */
  off(event: "error", listener: (error: Error) => void): unknown;
  off(event: "notification", listener: (message: { readonly payload?: string | undefined }) => void): unknown;
}

/** The part of a `Pool` of `pg` that a store uses. */
export interface PgPool {
  /** Takes a connection out of the pool. */
  connect(): Promise<PgClient>;
}

/** SQLSTATEs of a write that lost against a concurrent one: a serialisation failure, a deadlock. */
const LOST = ["40001", "40P01"];
/** SQLSTATEs of a connection that ended while the server may have committed: class 08, and shutdowns and crashes of the server. */
const BROKEN = /^(08...|57P0[1-5]|58...|XX...)$/;
const READ_ONLY = "25006";

/** Runs single statements on a pool, each within a time limit. */
export class Connections {
  readonly #pool: PgPool;
  readonly #clock: Clock;
  readonly #timeoutMs: number;

  constructor(pool: PgPool, clock: Clock, timeoutMs: number) {
    this.#pool = pool;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Runs one statement. A connection that failed or did not answer is closed, since the pool would hand it out again.
   * @throws {StoreUnavailableError} that is `ambiguous` if the server may have committed.
   * @throws the driver's error if the server refused the statement, unless it is shutting down or read-only.
   */
  async run(text: string, values: SqlValue[] = []): Promise<readonly Row[]> {
    const client = await this.acquire();
    let broken: Error | undefined;
    const onError = (error: Error): void => {
      broken = error;
    };
    client.on("error", onError);
    try {
      const { rows } = await this.#within(client.query(text, values), () => {
        broken = new StoreUnavailableError(`PostgreSQL did not answer within ${this.#timeoutMs} ms`, {
          ambiguous: true,
        });
        return broken;
      });
      return Array.from(rows, (row) => ({ ...row }));
    } catch (error) {
      const failure = failureOf(error);
      if (failure !== error && failure instanceof Error) broken = failure;
      throw failure;
    } finally {
      client.off("error", onError);
      client.release(broken);
    }
  }

  /** Takes a connection out of the pool. @throws {StoreUnavailableError} that is not ambiguous. */
  async acquire(): Promise<PgClient> {
    const connecting = this.#pool.connect();
    try {
      return await this.#within(connecting, () => {
        // Too late: the connection goes back to the pool as soon as it is there.
        connecting.then(
          (client) => client.release(),
          () => {},
        );
        const advice = "its pool is exhausted, or the server cannot be reached";
        return new Error(`no connection within ${this.#timeoutMs} ms: ${advice}`);
      });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
      throw new StoreUnavailableError(`PostgreSQL gave no connection: ${reason}`, { ambiguous: false, cause });
    }
  }

  #within<Value>(work: Promise<Value>, late: () => Error): Promise<Value> {
    return new Promise((resolve, reject) => {
      const settled = new AbortController();
      work.then(resolve, reject).finally(() => settled.abort());
      void delay(this.#clock, this.#timeoutMs, [settled.signal]).then(() => {
        if (!settled.signal.aborted) reject(late());
      });
    });
  }
}

function failureOf(error: unknown): unknown {
  if (error instanceof StoreUnavailableError) return error;
  const state = sqlStateOf(error);
  const message = error instanceof Error ? error.message : String(error);
  if (state === READ_ONLY) {
    const text = `PostgreSQL is read-only (${message}): connect to the primary`;
    return new StoreUnavailableError(text, { ambiguous: false, cause: error });
  }
  if (state !== undefined && !BROKEN.test(state)) return error;
  return new StoreUnavailableError(`The connection to PostgreSQL broke: ${message}`, { ambiguous: true, cause: error });
}

/** Returns true if a concurrent write made a single statement fail. Nothing was written, and the key has changed. */
export function isLost(error: unknown): boolean {
  return LOST.includes(sqlStateOf(error) ?? "");
}
