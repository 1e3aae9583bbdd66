import { type ConsumerInfo, jetstream } from "@nats-io/jetstream";
import { checkDeadLetterStream } from "../../nats/consumer/dead-letter-stream.ts";
import { apiCodeOf, apiCodes } from "../../nats/wire/error-codes.ts";
import { type ClockDifference, withClockDifference } from "../../nats/wire/server-clock.ts";
import { type BucketServer, lookAt, type OpenBucket } from "../bucket/open-buckets.ts";
import { scanBucket } from "../bucket/scan.ts";
import { UnusableError } from "../terminal/errors.ts";
import type { CliIo } from "../terminal/io.ts";
import { messageOf } from "../terminal/sentences.ts";
import { StatusLine } from "../terminal/status-line.ts";
import { amount } from "../terminal/style.ts";
import type { DoctorUse } from "./doctor-use.ts";
import { type BucketUse, examineAccount, examineBucket } from "./examine-bucket.ts";
import { examineOwnClock, examineServerClocks, examineWrittenTimes } from "./examine-clocks.ts";
import { examineConsumer } from "./examine-consumer.ts";
import { type ConsumerName, examinePermissions } from "./examine-permissions.ts";
import { examineSync, examineVersions } from "./examine-server.ts";
import { examineShards, merged } from "./examine-shards.ts";
import { type Finding, findingsAbout } from "./finding.ts";
import { askMonitors } from "./monitor.ts";
import { RecordExaminer } from "./record-examiner.ts";
import { WrittenTimes } from "./written-times.ts";

/** Looks at everything that can be looked at, one after the other, and changes nothing. */
export async function examine(
  server: BucketServer,
  use: DoctorUse,
  { monitor, io }: { readonly monitor: string | undefined; readonly io: CliIo },
): Promise<readonly Finding[]> {
  const { connection, name, bucketNames } = server;
  const isCluster = connection.info?.cluster !== undefined;
  const examined = await Promise.all(bucketNames.map((one) => examinedBucket(server, one, { ...use, isCluster }, io)));
  const buckets = examined.flatMap(({ bucket }) => (bucket === undefined ? [] : [bucket]));
  const consumer = use.consumer === undefined ? undefined : await examinedConsumer(server, use.consumer, use, io);
  const names = {
    buckets: buckets.map((bucket) => bucket.name),
    consumer: consumer?.info === undefined ? undefined : use.consumer,
  };
  const permissions = await examinePermissions(connection, names);
  const canList = permissions.some(({ check, severity }) => check === "operator" && severity === "ok");
  const [first] = buckets;
  return [
    examineVersions({ "connected to": connection.info?.version ?? "", ...leaderVersions(buckets) }, isCluster),
    ...examineSync(await askMonitors(monitor)),
    ...examineShards(name, bucketNames),
    ...merged(new Map(examined.map(({ findings }, at) => [bucketNames[at] ?? name, findings]))),
    ...(first === undefined ? [] : await examinedAccount(first)),
    ...permissions,
    ...(consumer?.findings ?? [NO_CONSUMER]),
    ...(first === undefined ? [] : [examineOwnClock(first.difference)]),
    ...examineServerClocks(
      [...buckets, ...(consumer === undefined ? [] : [consumer])].map(({ difference }) => difference),
      use.skewMs,
    ),
    ...(canList ? await examinedRecords(buckets, use, io) : []),
  ];
}

const ofBucket = findingsAbout("bucket");
const ofConsumer = findingsAbout("consumer");
const ofRecords = findingsAbout("records");

const NO_CONSUMER = ofConsumer.note("consumer", "none was looked at", "give --stream <name> and --consumer <name>");

interface ExaminedBucket {
  /** Undefined when it cannot be looked at. */
  readonly bucket: OpenBucket | undefined;
  readonly findings: readonly Finding[];
}

async function examinedBucket(
  server: BucketServer,
  name: string,
  use: Omit<BucketUse, "name">,
  { clock }: CliIo,
): Promise<ExaminedBucket> {
  try {
    const bucket = await lookAt(server, name, clock);
    return { bucket, findings: examineBucket(bucket.info, { ...use, name }) };
  } catch (error) {
    const remedy =
      error instanceof UnusableError
        ? "correct --bucket; or start a replica whose user may create it"
        : "see whether JetStream runs, and whether this user may ask, and hear the answer (--inbox-prefix)";
    return { bucket: undefined, findings: [ofBucket.error("bucket", messageOf(error), remedy)] };
  }
}

/** Asking needs a permission that nothing else does. */
async function examinedAccount({ jsm, info }: OpenBucket): Promise<readonly Finding[]> {
  const stats = await jsm.getAccountInfo().catch(() => undefined);
  return stats === undefined ? [] : examineAccount(stats, info.config.storage);
}

/** Servers since 2.11 say which version has answered: for a bucket that is its leader. */
function leaderVersions(buckets: readonly OpenBucket[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    buckets.flatMap(({ name, info }) => {
      const version = info.config.metadata?.["_nats.ver"];
      return version === undefined ? [] : [[`leads ${name}`, version]];
    }),
  );
}

interface ExaminedConsumer {
  readonly info: ConsumerInfo | undefined;
  readonly difference: ClockDifference | undefined;
  readonly findings: readonly Finding[];
}

async function examinedConsumer(
  { jsm, connection }: BucketServer,
  { stream, name }: ConsumerName,
  use: DoctorUse,
  { clock }: CliIo,
): Promise<ExaminedConsumer> {
  try {
    const { info, difference } = await withClockDifference(clock, () => jsm.consumers.info(stream, name));
    const { deadLetterSubject: subject } = use;
    const deadLetters =
      subject === undefined
        ? []
        : await checkDeadLetterStream({ subject, jetstream: jetstream(connection) }, stream, info.config);
    return { info, difference, findings: examineConsumer(info, use, deadLetters) };
  } catch (error) {
    const code = apiCodeOf(error);
    const isMissing = code === apiCodes.noStream || code === apiCodes.noConsumer;
    const evidence = `${stream}/${name} cannot be looked at: ${messageOf(error)}`;
    const remedy = isMissing ? "correct --stream and --consumer, or create it" : "see whether this user may look at it";
    return { info: undefined, difference: undefined, findings: [ofConsumer.error("consumer", evidence, remedy)] };
  }
}

async function examinedRecords(
  buckets: readonly OpenBucket[],
  { skewMs }: DoctorUse,
  io: CliIo,
): Promise<readonly Finding[]> {
  const records = new RecordExaminer(skewMs);
  const times = new WrittenTimes();
  await using _ = new StatusLine(io.err, io.clock, () => `${amount(records.examined)} records looked at`);
  try {
    for (const bucket of buckets) {
      times.beginBucket();
      for await (const kept of scanBucket(bucket, {})) {
        records.add(kept, bucket.serverMs());
        times.note(kept);
      }
    }
  } catch (error) {
    return [ofRecords.note("keys", `they could not all be read: ${messageOf(error)}`), ...records.findings()];
  }
  return [...examineWrittenTimes(times, skewMs), ...records.findings()];
}
