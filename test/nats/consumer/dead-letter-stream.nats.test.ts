import type { StreamConfig } from "@nats-io/jetstream";
import { nanos } from "@nats-io/nats-core";
import { describe, expect, it } from "vitest";
import { checkDeadLetterStream } from "../../../src/nats/consumer/dead-letter-stream.ts";
import type { ConsumerFinding } from "../../../src/nats/index.ts";
import { createEventStream, type EventStream } from "../../support/event-stream.ts";
import { quick } from "../../support/quick.ts";
import { useNatsServer } from "../../support/use-nats-server.ts";
import { startWorker } from "../../support/worker.ts";

const nats = useNatsServer();

type Config = Partial<StreamConfig>;

/** Creates an event stream whose dead-letter stream has this configuration. */
async function streamWith(config: Config): Promise<EventStream> {
  const stream = await createEventStream(nats.connection);
  await stream.manager.streams.delete(stream.deadName);
  const { deadName: name, deadSubject } = stream;
  await stream.manager.streams.add({ name, subjects: [deadSubject], storage: "file", ...config });
  return stream;
}

async function check(stream: EventStream): Promise<readonly ConsumerFinding[]> {
  const { config } = await stream.info();
  return checkDeadLetterStream({ subject: stream.deadSubject, jetstream: stream.jetstream }, stream.name, config);
}

const HOUR_MS = 3_600_000;

describe("a dead-letter stream", () => {
  it.each<[name: string, config: Config]>([
    ["with the defaults", {}],
    ["with an age of three days", { max_age: nanos(72 * HOUR_MS) }],
    ["with a large `max_msg_size`", { max_msg_size: 4 * 1024 * 1024 }],
    ["if it may not be purged", { deny_purge: true, deny_delete: true }],
  ])("has no findings %s", async (_, config) => {
    expect(await check(await streamWith(config))).toEqual([]);
  });

  it.each<[severity: ConsumerFinding["severity"], says: RegExp, config: Config]>([
    ["error", /has `no_ack`.*never confirms/, { no_ack: true }],
    ["error", /`interest` retention and no consumer.*make the retention `limits`/, { retention: "interest" }],
    ["error", /`max_msgs_per_subject: 1`.*a single letter/, { max_msgs_per_subject: 1 }],
    ["error", /`max_msgs_per_subject: 1`/, { max_msgs_per_subject: 1, discard: "new", discard_new_per_subject: true }],
    ["error", /removes letters after 2000 ms \(`max_age`\)/, { max_age: nanos(2_000), duplicate_window: nanos(1_000) }],
    ["error", /`allow_msg_counter`.*counters only/, { allow_msg_counter: true }],
    ["warning", /`workqueue` retention.*removed once/, { retention: "workqueue" }],
    ["warning", /removes its oldest letters when it reaches `max_msgs: 100`/, { max_msgs: 100 }],
    ["warning", /removes its oldest letters when it reaches `max_bytes: 5000`/, { max_bytes: 5_000 }],
    ["warning", /refuses letters when it reaches `max_msgs: 100`/, { max_msgs: 100, discard: "new" }],
    ["warning", /refuses letters when it reaches `max_bytes: 5000`/, { max_bytes: 5_000, discard: "new" }],
    ["warning", /removes its oldest letters when it reaches `max_msgs_per_subject: 9`/, { max_msgs_per_subject: 9 }],
    [
      "warning",
      /refuses letters when it reaches `max_msgs_per_subject: 9`/,
      { max_msgs_per_subject: 9, discard: "new", discard_new_per_subject: true, max_msgs: -1 },
    ],
    ["warning", /removes letters after 24 h \(`max_age`\)/, { max_age: nanos(24 * HOUR_MS) }],
    ["warning", /removes letters after less than an hour/, { max_age: nanos(HOUR_MS / 4) }],
    ["warning", /up to 2000 bytes \(`max_msg_size`\)/, { max_msg_size: 2_000 }],
    ["warning", /in memory \(`storage`\)/, { storage: "memory" }],
    ["warning", /under other subjects \(`subject_transform`\)/, { subject_transform: { src: ">", dest: "x.>" } }],
    ["warning", /`persist_mode: async`/, { persist_mode: "async", storage: "file" }],
  ])("gets the %s %s with %j", async (severity, says, config) => {
    expect(await check(await streamWith(config))).toMatchObject([
      { severity, setting: "deadLetter", sentence: expect.stringMatching(says) },
    ]);
  });

  it("gets an error if it is sealed", async () => {
    const stream = await streamWith({});
    await stream.editDeadLetters({ sealed: true });
    const findings = await check(stream);
    expect(findings).toMatchObject([{ severity: "error", sentence: expect.stringContaining("is sealed") }]);
  });

  it("gets a warning if it is full", async () => {
    const stream = await streamWith({ max_msgs: 1, discard: "new" });
    await stream.jetstream.publish(stream.deadSubject, "a letter");
    const sentences = (await check(stream)).map(({ sentence }) => sentence);
    expect(sentences).toContainEqual(expect.stringContaining("is full"));
  });

  it("gets a warning for interest retention if a consumer receives the letters, and an error if none does", async () => {
    const stream = await streamWith({ retention: "interest" });
    const other = `other.${stream.name}`;
    await stream.editDeadLetters({ subjects: [stream.deadSubject, other] });
    const add = (filter: string) =>
      stream.manager.consumers.add(stream.deadName, {
        durable_name: filter.replaceAll(/\W/g, "_"),
        ack_policy: "explicit",
        filter_subject: filter,
      });
    await add(other);
    expect(await check(stream)).toMatchObject([{ severity: "error" }]);
    await add("dead.*");
    expect(await check(stream)).toMatchObject([{ severity: "warning" }]);
  });

  it("stops `consume` from starting if it keeps no letters", async () => {
    const stream = await streamWith({ retention: "interest" });
    await expect(startWorker(stream, { dedup: quick() })).rejects.toMatchObject({
      code: "consumer-misconfigured",
      findings: [{ setting: "deadLetter", severity: "error" }],
    });
  });

  it("is audited as a warning if it may evict letters", async () => {
    const stream = await streamWith({ max_msgs: 100 });
    await using worker = await startWorker(stream, { dedup: quick() });
    expect(worker.of("trigger.consumer.warning").map(({ finding }) => finding.sentence)).toContainEqual(
      expect.stringContaining("`max_msgs: 100`"),
    );
  });
});
