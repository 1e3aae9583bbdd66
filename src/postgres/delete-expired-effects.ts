import { abortSignal, objectWith } from "../internal/validate.ts";
import { ExpiredRows } from "./expired-rows.ts";
import { checkSchema, DEFAULT_SCHEMA } from "./schema.ts";
import { explained } from "./set-up-error.ts";
import { type SqlClient, sqlOf } from "./sql.ts";

/** Options of {@link deleteExpiredEffects}. */
export interface DeleteExpiredEffectsOptions {
  /** Schema of the table. @default "latchkey" */
  readonly schema?: string;
  /** Ends the work after the current step. */
  readonly signal?: AbortSignal;
}

/**
 * Deletes the markers of `effectOnce` whose `keepMs` is over, in small steps of one transaction each. Returns their number. Call it
 * from a schedule, for example once a day. Until then, expired markers still count.
 * @param client pool or connection outside a transaction.
 * @throws {StoreMisconfiguredError} if the table is missing.
 * @throws {StoreForbiddenError} if the role may not use the table.
 * @throws {TypeError} that names the wrong argument.
 * @throws the driver's own errors.
 */
export async function deleteExpiredEffects(
  client: SqlClient,
  options: DeleteExpiredEffectsOptions = {},
): Promise<number> {
  objectWith("options", options);
  const table = `"${checkSchema(options.schema ?? DEFAULT_SCHEMA)}".effects`;
  const signal = options.signal === undefined ? undefined : abortSignal("signal", options.signal);
  const expired = new ExpiredRows(sqlOf("client", client), table);
  let total = 0;
  while (signal?.aborted !== true) {
    const { deleted, wasLast } = await expired.step().catch((cause: unknown) => {
      throw explained(table, cause);
    });
    total += deleted;
    if (wasLast) break;
  }
  return total;
}
