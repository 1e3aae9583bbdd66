import { reachBuckets } from "../connection/open-buckets.ts";
import { type ExitCode, exitCodes } from "../terminal/exit-codes.ts";
import type { CliIo } from "../terminal/io.ts";
import { jsonLine } from "../terminal/json-line.ts";
import { painter } from "../terminal/paint.ts";
import { countsOf, countsText, findingsText } from "./doctor-text.ts";
import { examine } from "./examine.ts";
import { type DoctorFlags, replicaSettings } from "./replica-settings.ts";

/** Reports what is wrong with a bucket and its surroundings, and what to do about it. */
export async function doctorCommand(flags: DoctorFlags, io: CliIo): Promise<ExitCode> {
  const use = replicaSettings(flags, io);
  await using server = await reachBuckets(flags, io);
  const findings = await examine(server, use, { monitor: flags.monitor, io });
  const counts = countsOf(findings);
  const exitCode = counts.error > 0 ? exitCodes.failed : exitCodes.ok;
  if (flags.json === true) {
    const lines = [...findings, { summary: { bucket: server.name, ...counts, exitCode } }];
    await io.out.write(lines.map(jsonLine).join(""));
    return exitCode;
  }
  const paint = painter(io.out);
  await io.out.write(`${findingsText(findings, { paint, columns: io.out.columns })}\n${countsText(counts, paint)}`);
  return exitCode;
}
