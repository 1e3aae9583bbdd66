import { ExpiredRows } from "./expired-rows.ts";
import type { Connections } from "./pool.ts";

/** Number of inserts per step. A step reads about 4,000 rows, so each replica reads several times as many rows as it inserts. */
const INSERTS_PER_STEP = 512;

/**
 * Deletes expired keys while a store writes. There is no timer: every so many inserts start one step in the background, which never
 * delays a write. So the table stays in proportion to its live keys, and an idle store does no work.
 */
export class ExpiredKeys {
  readonly #rows: ExpiredRows;
  #inserts = 0;
  #running: Promise<void> | undefined;

  constructor(connections: Connections, table: string) {
    this.#rows = new ExpiredRows((text, values) => connections.run(text, values), table);
  }

  noteInsert(): void {
    this.#inserts += 1;
    if (this.#inserts < INSERTS_PER_STEP || this.#running !== undefined) return;
    this.#inserts = 0;
    this.#running = this.#rows.step().then(
      () => this.#finish(),
      // A failed step is repeated with a later insert.
      () => this.#finish(),
    );
  }

  /** Resolves when no step runs. */
  async idle(): Promise<void> {
    await this.#running;
  }

  #finish(): void {
    this.#running = undefined;
  }
}
