import { withPeers } from "../connection/nats.ts";
import { POSTGRES_NAME } from "../connection/open-postgres.ts";
import { type ExitCode, exitCodes } from "../terminal/exit-codes.ts";
import type { CliIo } from "../terminal/io.ts";
import { jsonLine } from "../terminal/json-line.ts";
import { painter } from "../terminal/paint.ts";
import { countsOf, countsText, findingsText } from "./doctor-text.ts";
import type { Finding } from "./finding.ts";
import type { DoctorFlags } from "./replica-settings.ts";

/** Findings, with the name of the bucket or of PostgreSQL. */
interface Examined {
  readonly name: string;
  readonly findings: readonly Finding[];
}

/** Reports what is wrong with a bucket or a PostgreSQL server and its surroundings, and what to do about it. */
export async function doctorCommand(flags: DoctorFlags, io: CliIo): Promise<ExitCode> {
  const { name, findings } = await examined(flags, io);
  const counts = countsOf(findings);
  const exitCode = counts.error > 0 ? exitCodes.failed : exitCodes.ok;
  if (flags.json === true) {
    const lines = [...findings, { summary: { bucket: name, ...counts, exitCode } }];
    await io.out.write(lines.map(jsonLine).join(""));
    return exitCode;
  }
  const paint = painter(io.out);
  await io.out.write(`${findingsText(findings, { paint, columns: io.out.columns })}\n${countsText(counts, paint)}`);
  return exitCode;
}

async function examined(flags: DoctorFlags, io: CliIo): Promise<Examined> {
  const { postgres } = flags;
  if (postgres !== undefined) {
    const { examinePostgres } = await import("./examine-postgres.ts");
    return { name: POSTGRES_NAME, findings: await examinePostgres({ ...flags, postgres }, io) };
  }
  const { examineBuckets } = await withPeers(() => import("./examine.ts"));
  return examineBuckets(flags, io);
}
