import { stripVTControlCharacters } from "node:util";
import { AckPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { headers } from "@nats-io/nats-core";
import { describe, expect, it } from "vitest";
import { runCli } from "../../src/cli/cli.ts";
import { Deduplicator } from "../../src/deduplicator.ts";
import { resolveIdentity } from "../../src/model/identity.ts";
import { consume, natsStore } from "../../src/nats/index.ts";
import { latchkeyCommands, shownOutputs } from "../docs/commands.ts";
import { textOf } from "../docs/documents.ts";
import { eventually } from "../support/eventually.ts";
import { connected } from "../support/nats-bucket.ts";
import { type NatsServer, startNats } from "../support/nats-server.ts";
import { FakeIo, type Ran, ranWith } from "./support/fake-io.ts";

interface Expected {
  readonly exitCode: number;
  /** Parts of the output, with each run of white space as one space. */
  readonly says: readonly (string | RegExp)[];
  /** True if no reservation is left. */
  readonly isCalm?: boolean;
}

const CLOUD_EVENT = '["/orders","42"]';
const committed = /web-1 committed the event .* ago at attempt 1\. Deliveries are suppressed for another/;

/** Answer of each documented command in the incident below. */
const expected: Readonly<Record<string, Expected>> = {
  "show --bucket dedup billing evt-1": { exitCode: 0, says: ["● committed", committed] },
  [`show --bucket dedup billing ${CLOUD_EVENT}`]: { exitCode: 0, says: ["● committed", committed, CLOUD_EVENT] },
  "clear --bucket dedup --subscription billing": {
    exitCode: 0,
    says: ["2 committed to clear", "1 reserved left, because their handlers run", "Cleared 2 keys."],
  },
  "clear --bucket dedup billing evt-1": { exitCode: 0, says: ["1 committed to clear", "Cleared 1 key."] },
  "clear --bucket dedup --owner web-3 --state reserved --dry-run": {
    exitCode: 0,
    says: ["1 reserved to clear", "held", "Nothing was cleared: this was a dry run."],
  },
  "doctor --bucket dedup --stream EVENTS --consumer billing": {
    exitCode: 0,
    says: ["! max_deliver", "! silent", "Holder may be gone: 1 event, billing held (web-3,"],
  },
  "doctor --bucket dedup --stream EVENTS --consumer billing --dead-letter dead.billing": {
    exitCode: 0,
    says: ["! max_deliver", "✓ deadLetter a stream keeps the letters for `dead.billing`", "! silent"],
  },
  "doctor --bucket dedup": { exitCode: 0, says: ["1 reserved, 3 committed", "! silent", "no consumer was checked"] },
  "doctor --bucket dedup --monitor http://n1:8222,http://n2:8222": {
    exitCode: 0,
    says: ["http://n1:8222", "http://n2:8222"],
  },
  "list --bucket dedup --state reserved": {
    exitCode: 0,
    says: [/STATE KEY .*silent \S+ billing held web-3/, "Holder may be gone.", "1 key: 1 reserved"],
  },
  "list --bucket dedup --state reserved --older-than 5m": { exitCode: 0, says: ["No keys match."] },
  "list --bucket dedup --event evt-1": {
    exitCode: 0,
    says: [" billing evt-1 ", " mail evt-1 ", "All rows: STATE committed, OWNER web-1, TRY 1", "2 keys: 2 committed"],
  },
  "dead list --dead-letter dead.billing": { exitCode: 0, says: [/17 max-deliver .* No such shop/, "1 dead letter."] },
  "dead show 17 --dead-letter dead.billing": {
    exitCode: 0,
    says: ["● letter 17", "The dispatch failed too often.", "No such shop", "event evt-9"],
  },
  "dead redrive --dead-letter dead.billing --reason max-deliver": {
    exitCode: 0,
    says: ["1 letter to redrive", "1 letter redriven."],
  },
  "dead drop 17 --dead-letter dead.billing": { exitCode: 0, says: ["1 letter to drop", "1 letter dropped."] },
  "reshard --bucket dedup --to 8 --dry-run": { exitCode: 0, says: [/3 keys/], isCalm: true },
  "reshard --bucket dedup --to 8": { exitCode: 0, says: [/3 keys/], isCalm: true },
  "inspect --bucket dedup": { exitCode: 0, says: ["http://127.0.0.1:", "Press Ctrl-C to end."] },
};

/** Commands that other tests run: they need an endpoint, a handler or another JetStream domain. */
const ELSEWHERE = /^(run|check|play) /;

const documents = ["README.md", "docs/troubleshooting.md", "docs/operations.md"];
const documented = new Map(
  documents.flatMap((document) =>
    latchkeyCommands(textOf(document))
      .map((argv) => [argv.join(" "), argv] as const)
      .filter(([line]) => !ELSEWHERE.test(line)),
  ),
);

/** Output that the page about troubleshooting shows, by command. A line `…` stands for what is left out. */
const shown = shownOutputs(textOf("docs/troubleshooting.md"));

/** Its output is shown as it is without a server. */
const UNREACHABLE = "doctor --bucket dedup";

/** Returns the parts of the shown output, with durations and times replaced. */
const partsShown = (line: string): readonly string[] =>
  (shown.get(line) ?? "")
    .split(/^…\n/m)
    .map(settled)
    .filter((part) => part !== "");

/** Replaces durations and times, which differ from run to run, and every run of white space. */
const settled = (text: string): string =>
  text
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/g, "TIME")
    .replaceAll(/\d[\d.]* (?:ms|s|min|h|d)\b/g, "DURATION")
    .replaceAll(/\s+/g, " ")
    .trim();

/**
 * Builds an incident. evt-1 and a CloudEvent are committed for billing, and evt-1 also for mail. web-3 died while it dispatched `held`.
 * The consumer has a `max_deliver`, and evt-9 is dead letter 17.
 */
async function prepare(server: NatsServer, isCalm: boolean): Promise<void> {
  await using connection = await connected(server);
  const store = await natsStore(connection, { bucket: "dedup" });
  const dedup = new Deduplicator({ store, owner: "web-1" });
  for (const eventId of ["evt-1", CLOUD_EVENT]) await dedup.guard({ subscriptionId: "billing", eventId }, () => "");
  await dedup.guard({ subscriptionId: "mail", eventId: "evt-1" }, () => "");
  if (!isCalm) await reserveForTheDead(connection);
  const [js, jsm] = [jetstream(connection), await jetstreamManager(connection)];
  await jsm.streams.add({ name: "EVENTS", subjects: ["events"] });
  await jsm.streams.add({ name: "DEAD", subjects: ["dead.>"], first_seq: 17 });
  await jsm.consumers.add("EVENTS", { durable_name: "billing", ack_policy: AckPolicy.Explicit, max_deliver: 20 });
  await js.publish("events", "{}", { msgID: "evt-9" });
  const running = await consume(await js.consumers.get("EVENTS", "billing"), {
    dedup,
    subscriptionId: "billing",
    maxDeliver: 1,
    deadLetter: { subject: "dead.billing", jetstream: js },
    dispatch: () => {
      throw new Error("No such shop");
    },
  });
  await eventually("the dead letter", async () => {
    const { state } = await jsm.streams.info("DEAD");
    return state.messages === 1 ? true : undefined;
  });
  await running.stop();
  await dedup.close();
}

/** Writes the reservation of a process that died: its lease is over, and the server keeps it for a while. */
async function reserveForTheDead(connection: Parameters<typeof jetstream>[0]): Promise<void> {
  const { storeKey, workspaceId, subscriptionId, eventId } = resolveIdentity({
    subscriptionId: "billing",
    eventId: "held",
  });
  const ids = { workspaceId, subscriptionId, eventId };
  const fields = { owner: "web-3", token: "t", attempt: 1, fence: 0, leaseMs: 1, atMs: Date.now() };
  const ttl = headers();
  ttl.set("Nats-TTL", "500s");
  const record = JSON.stringify({ v: 1, state: "reserved", ...ids, ...fields });
  await jetstream(connection).publish(`$KV.dedup.${storeKey}`, record, { headers: ttl });
}

/** Runs a command at a terminal, answers its question with yes, and ends a server with Ctrl-C. */
async function atTerminal(argv: readonly string[], url: string): Promise<Ran> {
  const env = { NATS_URL: url, LATCHKEY_SKEW_SECONDS: "400" };
  const io = new FakeIo({ env, input: "y\n", terminal: true, inputIsTerminal: true });
  const running = runCli(argv, io);
  void io.err.until("Press Ctrl-C to end").then(() => io.interrupt());
  return ranWith(await running, io);
}

describe("a documented command", () => {
  it("has an expected answer, and every answer belongs to a command", () => {
    expect(Object.keys(expected).toSorted()).toEqual([...documented.keys()].toSorted());
  });

  it.each([...documented])("answers the question: latchkey %s", async (line, argv) => {
    const { exitCode, says, isCalm = false } = expected[line] ?? { exitCode: -1, says: [] };
    await using server = await startNats();
    await prepare(server, isCalm);
    const ran = await atTerminal(argv, server.url);
    const printed = stripVTControlCharacters(`${ran.out} ${ran.err}`);
    const output = printed.replaceAll(/\s+/g, " ");
    for (const part of says) {
      if (typeof part === "string") expect(output).toContain(part);
      else expect(output).toMatch(part);
    }
    expect(ran.exitCode).toBe(exitCode);
    if (line !== UNREACHABLE) for (const part of partsShown(line)) expect(settled(printed)).toContain(part);
  });

  it("shows its real output on the page about troubleshooting, for each symptom", async () => {
    const lines = [...shown.keys()];
    expect(lines).toHaveLength(6);
    expect(lines.filter((line) => !documented.has(line))).toEqual([]);
    const ran = await atTerminal(["doctor", "--bucket", "dedup"], "nats://127.0.0.1:1");
    expect(ran.exitCode).toBe(2);
    expect(settled(ran.err).replace("127.0.0.1:1:", "127.0.0.1:4222:")).toBe(partsShown(UNREACHABLE).join(""));
  });
});
