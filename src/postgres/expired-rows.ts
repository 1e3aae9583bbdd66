import type { RunSql } from "./sql.ts";

/** Blocks per step: 1 MiB. A step takes a few milliseconds and locks only the rows that it deletes. */
const BLOCKS = 128;

/**
 * Deletes the expired rows of a table, a range of blocks at a time. Reads the table in its physical order, so `expires_at` needs no
 * index. An update that only extends it therefore stays within its block.
 */
export class ExpiredRows {
  readonly #run: RunSql;
  readonly #table: string;
  #nextBlock = 0;

  constructor(run: RunSql, table: string) {
    this.#run = run;
    this.#table = table;
  }

  /** Deletes the expired rows of the next range of blocks. Starts over after the last one. */
  async step(): Promise<{ readonly deleted: number; readonly wasLast: boolean }> {
    const from = this.#nextBlock;
    this.#nextBlock += BLOCKS;
    const [row] = await this.#run(
      `with deleted as (
         delete from ${this.#table}
         where ctid >= $1::text::tid and ctid < $2::text::tid and expires_at <= clock_timestamp() returning 1
       )
       select count(*)::int as deleted,
         pg_relation_size('${this.#table}') / current_setting('block_size')::int <= $3::bigint as was_last
       from deleted`,
      [`(${from},0)`, `(${from + BLOCKS},0)`, from + BLOCKS],
    );
    const wasLast = row?.["was_last"] !== false;
    if (wasLast) this.#nextBlock = 0;
    return { deleted: Number(row?.["deleted"]), wasLast };
  }
}
