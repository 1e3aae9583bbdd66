import { withRaisedFences } from "../../nats/kv/revision-offset.ts";
import { bucketStream } from "../../nats/wire/subject.ts";
import { type BucketFlags, type OpenBucket, openBuckets, reachBucket } from "../connection/open-buckets.ts";
import { CommandError } from "../terminal/command-error.ts";
import { type ExitCode, exitCodes } from "../terminal/exit-codes.ts";
import type { CliIo } from "../terminal/io.ts";
import { jsonLine } from "../terminal/json-line.ts";

export interface RaiseFencesFlags extends BucketFlags {
  readonly above?: number;
  readonly json?: boolean;
}

/** Raises all later fences of a bucket, for example after it was restored from a backup. */
export async function raiseFencesCommand(flags: RaiseFencesFlags, io: CliIo): Promise<ExitCode> {
  await using server = await openBuckets(flags, io);
  const above = highestFence(server.buckets, flags.above ?? 0, io.clock.wallMs());
  const lines: string[] = [];
  for (const { jsm, name, info, read } of server.buckets) {
    await jsm.streams.update(bucketStream(name), withRaisedFences(info, above));
    const raised = await reachBucket(server, name, io.clock);
    const next = raised.info.state.last_seq + raised.read.revisionOffset + 1;
    if (next <= above)
      throw new CommandError(
        `The fences of bucket ${name} were not raised: another command changed its stream. Run the command again`,
      );
    const last = info.state.last_seq + read.revisionOffset;
    lines.push(
      flags.json === true
        ? jsonLine({ bucket: name, lastRevision: last, nextFence: next })
        : `The next fence of bucket ${name} is ${next}; its last revision was ${last}\n`,
    );
  }
  await io.out.write(lines.join(""));
  return exitCodes.ok;
}

/** Returns the highest known bound of the fences that a bucket may have issued. */
function highestFence(buckets: readonly OpenBucket[], above: number, wallMs: number): number {
  const known = buckets.flatMap(({ info, read, serverMs }) => [
    info.state.last_seq + read.revisionOffset,
    Math.ceil(serverMs()) * 1_000,
  ]);
  return Math.max(above, wallMs * 1_000, ...known);
}
