import type { LeaseClock } from "../../inspect/conclusions/suspicion.ts";
import { amount, counted } from "../../internal/counted.ts";
import type { BucketFlags } from "../connection/open-buckets.ts";
import type { PostgresKeysFlags } from "../connection/open-postgres.ts";
import type { FilterFlags } from "../stored-keys/key-filter.ts";
import { DEFAULT_LIMIT, DEFAULT_ORDER, FirstKeys, type KeyOrder } from "../stored-keys/key-order.ts";
import { keyReport } from "../stored-keys/key-report.ts";
import { keyTable } from "../stored-keys/key-table.ts";
import { NO_KEYS, tallyText, totalOf, withKey } from "../stored-keys/key-tally.ts";
import { lookUpHints, readKnownNames } from "../stored-keys/known-names.ts";
import { openKeys } from "../stored-keys/open-keys.ts";
import type { OpenKeys } from "../stored-keys/shared-keys.ts";
import type { ListedKey } from "../stored-keys/stored-key.ts";
import { skewFrom } from "../stored-keys/verdict.ts";
import { type ExitCode, exitCodes } from "../terminal/exit-codes.ts";
import { Interruption } from "../terminal/interruption.ts";
import type { CliIo } from "../terminal/io.ts";
import { jsonLine } from "../terminal/json-line.ts";
import { painter } from "../terminal/paint.ts";
import { StatusLine } from "../terminal/status-line.ts";

export interface ListFlags extends BucketFlags, PostgresKeysFlags, FilterFlags {
  readonly sort?: KeyOrder;
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
  const now = (): LeaseClock => ({ nowMs: opened.serverMs(), skewMs: skewFrom(io) });
  const first = new FirstKeys(sort, limit, now());
  let lines = "";
  const print = async (stored: ListedKey): Promise<void> => {
    lines += jsonLine(keyReport(stored, now()));
    if (lines.length < CHUNK) return;
    await io.out.write(lines);
    lines = "";
  };
  for await (const stored of opened.scanAll(flags)) {
    if (signal.aborted) return;
    if (!isListed(stored, flags)) continue;
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
  const now = (): LeaseClock => ({ nowMs: opened.serverMs(), skewMs: skewFrom(io) });
  const first = new FirstKeys(sort, limit, now());
  let tally = NO_KEYS;
  let failed = 0;
  {
    await using _ = new StatusLine(io.err, io.clock, () => `${amount(totalOf(tally) + failed)} keys read`);
    for await (const stored of opened.scanAll(flags)) {
      if (signal.aborted) return;
      if (stored.state === "failed") failed += 1;
      else tally = withKey(tally, stored);
      if (!isListed(stored, flags)) continue;
      first.add(stored);
    }
  }
  const keys = first.sorted();
  const paint = painter(io.out);
  if (keys.length > 0) {
    const width = io.out.isTerminal ? { width: io.out.columns } : {};
    await io.out.write(keyTable(keys, now(), { paint, ...width }));
  }
  const isOfFailed = flags.state === "failed";
  const total = isOfFailed ? failed : totalOf(tally);
  const all = isOfFailed ? counted(failed, "failed event") : `${counted(total, "key")}: ${tallyText(tally)}`;
  const noun = isOfFailed ? "failed events" : "keys";
  await io.err.write(`${total === 0 ? `No ${noun} match.` : footer(keys.length, total, all)}\n`);
  if (!isOfFailed) await io.err.write(failedNote(failed));
  if (total === 0) await io.err.write(await hintText(opened, flags));
}

/** A failed event holds no key, so it is listed only on request. */
function isListed({ state }: ListedKey, flags: ListFlags): boolean {
  return state !== "failed" || flags.state === "failed";
}

function failedNote(failed: number): string {
  if (failed === 0) return "";
  return `The last dispatch of ${counted(failed, "event")} failed within the last hour; --state failed lists ${failed === 1 ? "it" : "them"}.\n`;
}

/** Returns what may have been meant, if no key matches. */
async function hintText(opened: OpenKeys, { subscription, event, workspace }: ListFlags): Promise<string> {
  if (subscription === undefined && event === undefined) return "";
  const known = await readKnownNames((filter) => opened.scan(filter), { workspaceId: workspace, eventId: event });
  return lookUpHints({ subscriptionId: subscription, eventId: event }, known)
    .map((hint) => `${hint}\n`)
    .join("");
}

function footer(shown: number, total: number, all: string): string {
  return shown === total ? all : `${all}. Showing ${amount(shown)}; --limit 0 shows all.`;
}
