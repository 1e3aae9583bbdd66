import { connect } from "@nats-io/transport-node";
import { natsStore } from "../../src/nats/index.ts";
import { openEventStream } from "./event-stream.ts";
import { startWorker } from "./worker.ts";
import { isWorkerConfig, type WorkerReport } from "./worker-config.ts";

// Runs a worker in its own process, which tests kill and pause. It reports every step over NATS.

const config: unknown = JSON.parse(process.argv[2] ?? "");
if (!isWorkerConfig(config)) throw new Error("Not a worker's configuration");
const { name, bucket, leaseMs, skewMs, concurrency, reportTo, hangAfter, gate } = config;

const connection = await connect({ servers: config.url, name });

async function report(what: WorkerReport): Promise<void> {
  connection.publish(reportTo, JSON.stringify(what));
  await connection.flush();
}

function messageOn(subject: string): Promise<unknown> {
  return new Promise((resolve) => {
    connection.subscribe(subject, { max: 1, callback: (_, message) => resolve(message) });
  });
}

let dispatches = 0;
const { dedup, running } = await startWorker(await openEventStream(connection, config.stream), {
  dedup: { store: await natsStore(connection, { bucket }), owner: name, leaseMs, skewMs },
  concurrency,
  backoffMs: { firstMs: 100, longestMs: 400 },
  async dispatch(id, { reservation, signal }) {
    const { attempt, fence } = reservation;
    dispatches += 1;
    const hangs = dispatches > hangAfter;
    const opened = gate === undefined ? undefined : messageOn(gate);
    await report({ type: "began", worker: name, id, attempt, fence, hangs });
    if (hangs) await new Promise(() => {});
    if (opened !== undefined) {
      await opened;
      await report({ type: "woke", worker: name, id, aborted: signal.aborted });
    }
    if (attempt === 1 && id.endsWith("-fails-once")) throw new Error("The first attempt fails");
    await report({ type: "done", worker: name, id, attempt, fence });
  },
  onAudit: (audit) => {
    const commit = audit.type === "trigger.dispatched" ? { commit: audit.commit } : {};
    void report({ type: "audit", worker: name, audit: audit.type, ...commit });
  },
});
await report({ type: "ready", worker: name });

process.once("SIGTERM", () => void running.stop());
await running.finished;
await dedup.close();
await connection.close();
