import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { Deduplicator } from "../../src/index.ts";
import { consume, natsStore } from "../../src/nats/index.ts";
import { isWorkerConfig, type WorkerReport } from "./worker-config.ts";

// A replica of a trigger service as a process of its own: what the tests kill and pause. It tells of everything over NATS.

const config: unknown = JSON.parse(process.argv[2] ?? "");
if (!isWorkerConfig(config)) throw new Error("Not a worker's configuration");

const connection = await connect({ servers: config.url, name: config.name });
const store = await natsStore(connection, { bucket: config.bucket });
const dedup = new Deduplicator({ store, owner: config.name, leaseMs: config.leaseMs, skewMs: config.skewMs });
const consumer = await jetstream(connection).consumers.get(config.stream, config.durable);

const { reportTo, hangAfter, gate } = config;
async function report(what: WorkerReport): Promise<void> {
  connection.publish(reportTo, JSON.stringify(what));
  await connection.flush();
}

function messageOn(subject: string): Promise<unknown> {
  return new Promise((resolve) => {
    connection.subscribe(subject, { max: 1, callback: (_, message) => resolve(message) });
  });
}

let begun = 0;
const running = await consume(consumer, {
  dedup,
  concurrency: config.concurrency,
  backoffMs: { firstMs: 100, longestMs: 400 },
  deadLetter: { subject: config.deadSubject, jetstream: jetstream(connection) },
  async dispatch(message, { reservation, signal }) {
    const id = message.headers?.get("ce-id") ?? "";
    const { attempt, fence } = reservation;
    begun += 1;
    const hangs = begun > hangAfter;
    const opened = gate === undefined ? undefined : messageOn(gate);
    await report({ type: "began", worker: config.name, id, attempt, fence, hangs });
    if (hangs) await new Promise(() => {});
    if (opened !== undefined) {
      await opened;
      await report({ type: "woke", worker: config.name, id, aborted: signal.aborted });
    }
    if (attempt === 1 && id.endsWith("-fails-once")) throw new Error("The first attempt fails");
    await report({ type: "done", worker: config.name, id, attempt, fence });
  },
  onAudit: (audit) => {
    const commit = audit.type === "trigger.dispatched" ? { commit: audit.commit } : {};
    void report({ type: "audit", worker: config.name, audit: audit.type, ...commit });
  },
});
await report({ type: "ready", worker: config.name });

process.once("SIGTERM", () => void running.stop());
await running.finished;
await dedup.close();
await connection.close();
