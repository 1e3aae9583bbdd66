import type { Reading } from "../../inspect/conclusions/suspicion.ts";
import { amount, counted } from "../../internal/counted.ts";
import type { BucketFlags } from "../connection/open-buckets.ts";
import type { PostgresKeysFlags } from "../connection/open-postgres.ts";
import type { FilterFlags } from "../stored-keys/key-filter.ts";
import { DEFAULT_LIMIT, DEFAULT_ORDER, FirstKeys, type Order } from "../stored-keys/key-order.ts";
import { keyReport } from "../stored-keys/key-report.ts";
import { keyTable } from "../stored-keys/key-table.ts";
import { NO_KEYS, tallyText, totalOf, withKey } from "../stored-keys/key-tally.ts";
import { lookUpHints, readKnownNames } from "../stored-keys/known-names.ts";
import { openKeys } from "../stored-keys/open-keys.ts";
import type { OpenKeys } from "../stored-keys/shared-keys.ts";
import type { StoredKey } from "../stored-keys/stored-key.ts";
import { skewFrom } from "../stored-keys/verdict.ts";
import { type ExitCode, exitCodes } from "../terminal/exit-codes.ts";
import { Interruption } from "../terminal/interruption.ts";
import type { CliIo } from "../terminal/io.ts";
import { jsonLine } from "../terminal/json-line.ts";
import { painter } from "../terminal/paint.ts";
import { StatusLine } from "../terminal/status-line.ts";

export interface ListFlags extends BucketFlags, PostgresKeysFlags, FilterFlags {
  readonly sort?: Order;
  /** Maximum number of keys; 0 for all. */
  readonly limit?: number;
  readonly json?: boolean;
}

/** Lists the keys of a bucket. */
export async function listCommand(flags: ListFlags, io: CliIo): Promise<ExitCode> {
  await using keys = await openKeys(flags, io);
  using interruption = new Interruption(io);
  if (flags.json === true) await listForScript(keys, flags, interruption.drain, io);
  else await listForPerson(keys, flags, interruption.drain, io);
  return interruption.drain.aborted ? exitCodes.interrupted : exitCodes.ok;
}

/** Prints keys as JSON in storage order, unless the flags ask for another order or a limit. */
async function listForScript(opened: OpenKeys, flags: ListFlags, signal: AbortSignal, io: CliIo): Promise<void> {
  const { sort = DEFAULT_ORDER, limit = 0 } = flags;
  const isSorted = flags.sort !== undefined || flags.limit !== undefined;
  const now = (): Reading => ({ nowMs: opened.serverMs(), skewMs: skewFrom(io) });
  const first = new FirstKeys(sort, limit, now());
  let lines = "";
  const print = async (stored: StoredKey): Promise<void> => {
    lines += jsonLine(keyReport(stored, now()));
    if (lines.length < CHUNK) return;
    await io.out.write(lines);
    lines = "";
  };
  for await (const stored of opened.scan(flags)) {
    if (signal.aborted) return;
    if (isSorted) first.add(stored);
    else await print(stored);
  }
  for (const stored of first.sorted()) await print(stored);
  await io.out.write(lines);
}

/** Minimum number of characters per write. */
const CHUNK = 65_536;

async function listForPerson(opened: OpenKeys, flags: ListFlags, signal: AbortSignal, io: CliIo): Promise<void> {
  const { sort = DEFAULT_ORDER, limit = DEFAULT_LIMIT } = flags;
  const now = (): Reading => ({ nowMs: opened.serverMs(), skewMs: skewFrom(io) });
  const first = new FirstKeys(sort, limit, now());
  let tally = NO_KEYS;
  {
    await using _ = new StatusLine(io.err, io.clock, () => `${amount(totalOf(tally))} keys read`);
    for await (const stored of opened.scan(flags)) {
      if (signal.aborted) return;
      tally = withKey(tally, stored);
      first.add(stored);
    }
  }
  const keys = first.sorted();
  const paint = painter(io.out);
  if (keys.length > 0) {
    const width = io.out.isTerminal ? { width: io.out.columns } : {};
    await io.out.write(keyTable(keys, now(), { paint, ...width }));
  }
  await io.err.write(`${footer(keys.length, totalOf(tally), tallyText(tally))}\n`);
  if (totalOf(tally) === 0) await io.err.write(await hintText(opened, flags));
}

/** Returns what may have been meant, if no key matches. */
async function hintText(opened: OpenKeys, { subscription, event, workspace }: ListFlags): Promise<string> {
  if (subscription === undefined && event === undefined) return "";
  const known = await readKnownNames((filter) => opened.scan(filter), { workspaceId: workspace, eventId: event });
  return lookUpHints({ subscriptionId: subscription, eventId: event }, known)
    .map((hint) => `${hint}\n`)
    .join("");
}

function footer(shown: number, total: number, states: string): string {
  if (total === 0) return "No keys match.";
  const all = `${counted(total, "key")}: ${states}`;
  return shown === total ? all : `${all}. Showing ${amount(shown)}; --limit 0 shows all.`;
}
