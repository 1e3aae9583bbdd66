import type { FilterFlags } from "../bucket/key-filter.ts";
import { keyReport } from "../bucket/key-report.ts";
import { NO_KEYS, tallyText, totalOf, withKey } from "../bucket/key-tally.ts";
import { type BucketFlags, type OpenBuckets, openBuckets } from "../bucket/open-buckets.ts";
import { scanBuckets } from "../bucket/scan.ts";
import type { StoredKey } from "../bucket/stored-key.ts";
import { type ExitCode, exitCodes } from "../terminal/exit-codes.ts";
import { Interruption } from "../terminal/interruption.ts";
import type { CliIo } from "../terminal/io.ts";
import { StatusLine } from "../terminal/status-line.ts";
import { amount, count, painter } from "../terminal/style.ts";
import { keyTable } from "./key-table.ts";
import { DEFAULT_LIMIT, DEFAULT_ORDER, FirstKeys, type Order } from "./order.ts";

export interface ListFlags extends BucketFlags, FilterFlags {
  readonly sort?: Order;
  /** 0 for all. */
  readonly limit?: number;
  readonly json?: boolean;
}

/** Shows which keys a bucket holds. */
export async function listCommand(flags: ListFlags, io: CliIo): Promise<ExitCode> {
  await using buckets = await openBuckets(flags, io);
  using interruption = new Interruption(io, { drain() {}, abort() {} });
  if (flags.json === true) await listForScript(buckets, flags, interruption.drain, io);
  else await listForPerson(buckets, flags, interruption.drain, io);
  return interruption.drain.aborted ? exitCodes.interrupted : exitCodes.ok;
}

/** As they come, unless an order or a number is asked for. */
async function listForScript(buckets: OpenBuckets, flags: ListFlags, signal: AbortSignal, io: CliIo): Promise<void> {
  const { sort = DEFAULT_ORDER, limit = 0 } = flags;
  const isSorted = flags.sort !== undefined || flags.limit !== undefined;
  const first = new FirstKeys(sort, limit);
  let lines = "";
  const print = async (kept: StoredKey): Promise<void> => {
    lines += `${JSON.stringify(keyReport(kept, buckets.serverMs()))}\n`;
    if (lines.length < CHUNK) return;
    await io.out.write(lines);
    lines = "";
  };
  for await (const kept of scanBuckets(buckets, flags)) {
    if (signal.aborted) return;
    if (isSorted) first.add(kept);
    else await print(kept);
  }
  for (const kept of first.sorted()) await print(kept);
  await io.out.write(lines);
}

/** So many characters are written at once. */
const CHUNK = 65_536;

async function listForPerson(buckets: OpenBuckets, flags: ListFlags, signal: AbortSignal, io: CliIo): Promise<void> {
  const { sort = DEFAULT_ORDER, limit = DEFAULT_LIMIT } = flags;
  const first = new FirstKeys(sort, limit);
  let tally = NO_KEYS;
  {
    await using _ = new StatusLine(io.err, io.clock, () => `${amount(totalOf(tally))} keys read`);
    for await (const kept of scanBuckets(buckets, flags)) {
      if (signal.aborted) return;
      tally = withKey(tally, kept);
      first.add(kept);
    }
  }
  const keys = first.sorted();
  const paint = painter(io.out);
  if (keys.length > 0) {
    const width = io.out.isTerminal ? { width: io.out.columns } : {};
    await io.out.write(keyTable(keys, buckets.serverMs(), { paint, ...width }));
  }
  await io.err.write(`${footer(keys.length, totalOf(tally), tallyText(tally))}\n`);
}

function footer(shown: number, total: number, states: string): string {
  if (total === 0) return "No key matches.";
  const all = `${count(total, "key")}: ${states}`;
  return shown === total ? all : `${all}. Shown are ${amount(shown)}; --limit 0 shows all.`;
}
