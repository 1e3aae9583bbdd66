import { amount } from "../../internal/counted.ts";
import { errorMessage } from "../../internal/error-message.ts";
import type { StoredKey } from "../stored-keys/stored-key.ts";
import type { CliIo } from "../terminal/io.ts";
import { StatusLine } from "../terminal/status-line.ts";
import { examineRecordTimes } from "./examine-clocks.ts";
import { type Finding, findingsAbout } from "./finding.ts";
import { RecordExaminer } from "./record-examiner.ts";
import { RecordTimes } from "./record-times.ts";

/** The keys of one bucket or table, with the clock of their server. */
export interface RecordScan {
  readonly keys: AsyncIterable<StoredKey>;
  readonly serverMs: () => number;
}

const ofRecords = findingsAbout("records");

/** Examines all records. If they cannot be read to the end, a finding says so, and what was found before counts. */
export async function examineRecords(
  scans: readonly RecordScan[],
  skewMs: number,
  io: CliIo,
): Promise<readonly Finding[]> {
  const records = new RecordExaminer(skewMs);
  const times = new RecordTimes();
  await using _ = new StatusLine(io.err, io.clock, () => `${amount(records.examined)} records checked`);
  try {
    for (const { keys, serverMs } of scans) {
      times.beginBucket();
      for await (const stored of keys) {
        records.add(stored, serverMs());
        times.note(stored);
      }
    }
  } catch (error) {
    return [ofRecords.note("keys", `not all keys could be read: ${errorMessage(error)}`), ...records.findings()];
  }
  return [...examineRecordTimes(times, skewMs), ...records.findings()];
}
