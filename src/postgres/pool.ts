import { StoreUnavailableError } from "../errors.ts";
import { type Clock, delay } from "../internal/clock.ts";
import { errorMessage } from "../internal/error-message.ts";
import { type SqlRow, type SqlValue, sqlStateOf } from "./sql.ts";

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
  async run(text: string, values: SqlValue[] = []): Promise<readonly SqlRow[]> {
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
      throw new StoreUnavailableError(`PostgreSQL gave no connection: ${connectionProblem(cause)}`, {
        ambiguous: false,
        cause,
      });
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
  const message = errorMessage(error);
  if (state === READ_ONLY) {
    const text = `PostgreSQL is read-only (${message}): connect to the primary`;
    return new StoreUnavailableError(text, { ambiguous: false, cause: error });
  }
  if (state !== undefined && !BROKEN.test(state)) return error;
  return new StoreUnavailableError(`The connection to PostgreSQL broke: ${message}`, { ambiguous: true, cause: error });
}

/** Advice about a connection that the server or the network refused, by SQLSTATE or system error. */
const CONNECTION_ADVICE: Readonly<Record<string, string>> = {
  ECONNREFUSED: "check the address, and that the server runs",
  ECONNRESET: "check the address, and that the server runs",
  ENOTFOUND: "check the host name",
  ENOENT: "check the path of the socket, and that the server runs",
  ETIMEDOUT: "check the address and the firewall",
  EHOSTUNREACH: "check the address and the network",
  "28000": "check the user, and pg_hba.conf on the server",
  "28P01": "check the user and the password",
  "3D000": "check the name of the database",
  "53300": "raise `max_connections`, or make the pools smaller",
  "57P03": "wait until the server has started",
};

/** Describes why there is no connection, and what to do. */
export function connectionProblem(error: unknown): string {
  // A host with several addresses has one error for each.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const message = errorMessage(first);
  const advice = CONNECTION_ADVICE[first instanceof Error && "code" in first ? String(first.code) : ""];
  return advice === undefined ? message : `${message}: ${advice}`;
}

/** Returns true if a concurrent write made a single statement fail. Nothing was written, and the key has changed. */
export function isLost(error: unknown): boolean {
  return LOST.includes(sqlStateOf(error) ?? "");
}
