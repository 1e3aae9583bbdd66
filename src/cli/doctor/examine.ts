import { type ConsumerInfo, jetstream } from "@nats-io/jetstream";
import { errorMessage } from "../../internal/error-message.ts";
import { checkDeadLetterStream } from "../../nats/consumer/dead-letter-stream.ts";
import { apiCodeOf, apiCodes } from "../../nats/wire/error-codes.ts";
import { type ClockDifference, withClockDifference } from "../../nats/wire/server-clock.ts";
import { LEADER_VERSION_METADATA_KEY } from "../../nats/wire/server-version.ts";
import { type BucketServer, type OpenBucket, reachBucket, reachBuckets } from "../connection/open-buckets.ts";
import { scanBucket } from "../stored-keys/scan.ts";
import { natsAdvice } from "../terminal/advice.ts";
import { CommandError } from "../terminal/command-error.ts";
import type { CliIo } from "../terminal/io.ts";
import { type BucketRequirements, examineAccount, examineBucket } from "./examine-bucket.ts";
import { examineOwnClock, examineServerClocks } from "./examine-clocks.ts";
import { examineConsumer } from "./examine-consumer.ts";
import { examinePullLimits, examineRecordSize } from "./examine-limits.ts";
import { type ConsumerName, examinePermissions } from "./examine-permissions.ts";
import { examineRecords } from "./examine-records.ts";
import { examineDomain, examineSync, examineVersions } from "./examine-server.ts";
import { examineShards, mergedFindings } from "./examine-shards.ts";
import { type Finding, findingsAbout } from "./finding.ts";
import { askMonitors } from "./monitor.ts";
import { type DoctorFlags, type ReplicaSettings, replicaSettings } from "./replica-settings.ts";

/** Examines the buckets that the flags select. @throws as {@link reachBuckets}. */
export async function examineBuckets(flags: DoctorFlags, io: CliIo) {
  const use = replicaSettings(flags, io);
  await using server = await reachBuckets(flags, io);
  return { name: server.name, findings: await examine(server, use, { monitor: flags.monitor, io }) };
}

/** Runs every check and returns the findings. Changes nothing. */
export async function examine(
  server: BucketServer,
  use: ReplicaSettings,
  { monitor, io }: { readonly monitor: string | undefined; readonly io: CliIo },
): Promise<readonly Finding[]> {
  const { connection, name, bucketNames } = server;
  const isCluster = connection.info?.cluster !== undefined;
  const examined = await Promise.all(bucketNames.map((one) => examinedBucket(server, one, { ...use, isCluster }, io)));
  const buckets = examined.flatMap(({ bucket }) => (bucket === undefined ? [] : [bucket]));
  const consumer = use.consumer === undefined ? undefined : await examinedConsumer(server, use.consumer, use, io);
  const names = {
    apiPrefix: server.apiPrefix,
    buckets: buckets.map((bucket) => bucket.name),
    consumer: consumer?.info === undefined ? undefined : use.consumer,
  };
  const permissions = await examinePermissions(connection, names);
  const canList = permissions.some(({ check, severity }) => check === "operator" && severity === "ok");
  const [first] = buckets;
  // Undefined if the user may not read it.
  const stats = await server.jsm.getAccountInfo().catch(() => undefined);
  return [
    examineVersions({ "connected to": connection.info?.version ?? "", ...leaderVersions(buckets) }, isCluster),
    ...examineDomain(server.apiPrefix, stats?.domain),
    ...examineSync(await askMonitors(monitor)),
    ...examineShards(name, bucketNames),
    ...mergedFindings(new Map(examined.map(({ findings }, at) => [bucketNames[at] ?? name, findings]))),
    ...(first === undefined || stats === undefined ? [] : examineAccount(stats, first.info.config.storage)),
    ...permissions,
    ...(consumer?.findings ?? [NO_CONSUMER]),
    ...(first === undefined ? [] : [examineOwnClock(first.difference)]),
    ...examineServerClocks(
      [...buckets, ...(consumer === undefined ? [] : [consumer])].map(({ difference }) => difference),
      use.skewMs,
    ),
    ...(canList
      ? await examineRecords(
          buckets.map((bucket) => ({ keys: scanBucket(bucket, {}), serverMs: () => bucket.serverMs() })),
          use.skewMs,
          io,
        )
      : []),
  ];
}

const ofBucket = findingsAbout("bucket");
const ofConsumer = findingsAbout("consumer");

const NO_CONSUMER = ofConsumer.note(
  "consumer",
  "no consumer was checked",
  "give --stream <name> and --consumer <name>",
);

interface ExaminedBucket {
  /** Undefined if the bucket could not be read. */
  readonly bucket: OpenBucket | undefined;
  readonly findings: readonly Finding[];
}

async function examinedBucket(
  server: BucketServer,
  name: string,
  use: Omit<BucketRequirements, "name">,
  { clock }: CliIo,
): Promise<ExaminedBucket> {
  try {
    const bucket = await reachBucket(server, name, clock);
    return {
      bucket,
      findings: [
        ...examineBucket(bucket.info, { ...use, name }),
        examineRecordSize(bucket.info.config, server.connection.info?.max_payload),
      ],
    };
  } catch (error) {
    const remedy =
      error instanceof CommandError
        ? "correct --bucket, or start a replica whose user may create the bucket"
        : (natsAdvice(error) ?? "check that the bucket has a leader: its servers may be starting");
    return { bucket: undefined, findings: [ofBucket.error("bucket", errorMessage(error), remedy)] };
  }
}

/** Returns the version of each bucket's leader. */
function leaderVersions(buckets: readonly OpenBucket[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    buckets.flatMap(({ name, info }) => {
      const version = info.config.metadata?.[LEADER_VERSION_METADATA_KEY];
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
  { jsm, connection, apiPrefix }: BucketServer,
  { stream, name }: ConsumerName,
  use: ReplicaSettings,
  { clock }: CliIo,
): Promise<ExaminedConsumer> {
  try {
    const { info, difference } = await withClockDifference(clock, () => jsm.consumers.info(stream, name));
    const { deadLetterSubject: subject } = use;
    const deadLetters =
      subject === undefined
        ? []
        : await checkDeadLetterStream(
            { subject, jetstream: jetstream(connection, { apiPrefix }) },
            stream,
            info.config,
          );
    return {
      info,
      difference,
      findings: [...examineConsumer(info, use, deadLetters), ...examinePullLimits(info.config)],
    };
  } catch (error) {
    const code = apiCodeOf(error);
    const isMissing = code === apiCodes.noStream || code === apiCodes.noConsumer;
    const evidence = `${stream}/${name} cannot be read: ${errorMessage(error)}`;
    const remedy = isMissing
      ? "correct --stream and --consumer, or create the consumer"
      : (natsAdvice(error) ?? "check that the consumer has a leader: its servers may be starting");
    return { info: undefined, difference: undefined, findings: [ofConsumer.error("consumer", evidence, remedy)] };
  }
}
