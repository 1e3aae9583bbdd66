import { reachBuckets } from "../bucket/open-buckets.ts";
import { type ExitCode, exitCodes } from "../terminal/exit-codes.ts";
import type { CliIo } from "../terminal/io.ts";
import { painter } from "../terminal/style.ts";
import { countsOf, countsText, findingsText } from "./doctor-text.ts";
import { type DoctorFlags, doctorUse } from "./doctor-use.ts";
import { examine } from "./examination.ts";

/** Says what is wrong with a bucket and what is around it, and what to do about it. */
export async function doctorCommand(flags: DoctorFlags, io: CliIo): Promise<ExitCode> {
  const use = doctorUse(flags, io);
  await using server = await reachBuckets(flags, io);
  const findings = await examine(server, use, { monitor: flags.monitor, io });
  const counts = countsOf(findings);
  const exitCode = counts.error > 0 ? exitCodes.failed : exitCodes.ok;
  if (flags.json === true) {
    const lines = [...findings, { summary: { bucket: server.name, ...counts, exitCode } }];
    await io.out.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    return exitCode;
  }
  const paint = painter(io.out);
  await io.out.write(`${findingsText(findings, { paint, columns: io.out.columns })}\n${countsText(counts, paint)}`);
  return exitCode;
}
