import { randomUUID } from "node:crypto";
import { type BucketFlags, type BucketServer, reachBuckets } from "../connection/open-buckets.ts";
import { CommandError } from "../terminal/command-error.ts";
import { type ExitCode, exitCodes } from "../terminal/exit-codes.ts";
import { Interruption } from "../terminal/interruption.ts";
import type { CliIo } from "../terminal/io.ts";
import { jsonLine } from "../terminal/json-line.ts";
import { StatusLine } from "../terminal/status-line.ts";
import { endReport, reshardEndText, reshardProgressText, stoppedReport, stoppedReshardText } from "./reshard-text.ts";
import { type ReshardEnd, Resharding } from "./resharding.ts";

export interface ReshardFlags extends Omit<BucketFlags, "shards"> {
  readonly to: number;
  readonly dryRun?: boolean;
  readonly deleteOld?: boolean;
  readonly json?: boolean;
}

/** Changes the number of buckets that share the keys, while no replica runs. */
export async function reshardCommand(flags: ReshardFlags, io: CliIo): Promise<ExitCode> {
  await using server = await reachBuckets(flags, io);
  using interruption = new Interruption(io);
  const resharding = new Resharding(server, {
    to: flags.to,
    isDryRun: flags.dryRun === true,
    deleteOld: flags.deleteOld === true,
    signal: interruption.drain,
    clock: io.clock,
    run: randomUUID(),
  });
  let end: ReshardEnd;
  try {
    await using _ = new StatusLine(io.err, io.clock, () => reshardProgressText(resharding));
    end = await resharding.run();
  } catch (error) {
    return await reportStop({ error, isInterrupted: interruption.drain.aborted }, resharding, { server, flags, io });
  }
  if (end.end === "refused" && end.refusal.reason === "no-bucket") {
    throw new CommandError(`There is no bucket \`${server.name}\`. Name an existing one with \`--bucket\``);
  }
  const names = { bucket: server.name, to: flags.to };
  await io.out.write(flags.json === true ? jsonLine(endReport(end, names)) : reshardEndText(end, names));
  return end.end === "refused" ? exitCodes.failed : exitCodes.ok;
}

/** Reports a reshard that stopped before its end. @throws {CommandError} if it changed nothing and was not interrupted. */
async function reportStop(
  { error, isInterrupted }: { readonly error: unknown; readonly isInterrupted: boolean },
  { step, from }: Resharding,
  { server, flags, io }: { readonly server: BucketServer; readonly flags: ReshardFlags; readonly io: CliIo },
): Promise<ExitCode> {
  const stop = { step, from, to: flags.to, bucket: server.name, error: isInterrupted ? undefined : error };
  if (step === "checking" && !isInterrupted) throw new CommandError(stoppedReshardText(stop), { cause: error });
  if (flags.json === true) await io.out.write(jsonLine(stoppedReport(stop)));
  await io.err.write(`latchkey: ${stoppedReshardText(stop)}\n`);
  return isInterrupted ? exitCodes.interrupted : exitCodes.failed;
}
