import { describe, expect, it } from "vitest";
import { Deduplicator } from "../../src/index.ts";
import { natsStore } from "../../src/nats/index.ts";
import { createEventStream, DURABLE, type EventStream } from "../support/event-stream.ts";
import { eventually } from "../support/eventually.ts";
import { useNatsServer } from "../support/use-nats-server.ts";
import { type WorkerProcesses, workerProcesses } from "../support/worker-processes.ts";

const nats = useNatsServer();

async function published(stream: EventStream, ids: readonly string[]): Promise<void> {
  await Promise.all(ids.map((id) => stream.publish(id)));
}

async function allAnswered(stream: EventStream): Promise<void> {
  await eventually(
    "all messages to be answered",
    async () => {
      const { num_pending, num_ack_pending } = await stream.info();
      return num_pending === 0 && num_ack_pending === 0 ? true : undefined;
    },
    60_000,
  );
}

const numbered = (count: number, mark: (index: number) => string = () => ""): readonly string[] =>
  Array.from({ length: count }, (_, index) => `e-${index}${mark(index)}`);

/** Counts reports by event. */
function counted(reports: readonly { readonly id: string }[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { id } of reports) counts[id] = (counts[id] ?? 0) + 1;
  return counts;
}

const each = (ids: readonly string[], count: number): Readonly<Record<string, number>> =>
  Object.fromEntries(ids.map((id) => [id, count]));

/** Returns the states of these events in the bucket. */
async function states(
  workers: WorkerProcesses,
  stream: EventStream,
  ids: readonly string[],
): Promise<readonly unknown[]> {
  await using dedup = new Deduplicator({ store: await natsStore(nats.connection, { bucket: workers.bucket }) });
  const subscriptionId = `${stream.name}/${DURABLE}`;
  const entries = await Promise.all(
    ids.map((id) => dedup.peek({ subscriptionId, eventId: JSON.stringify(["/test", id]) })),
  );
  return entries.map((entry) => entry?.record.state);
}

describe("worker processes on one durable consumer", () => {
  it("G1 G3 dispatch every event once despite repeated publications and deliveries", async () => {
    const stream = await createEventStream(nats.connection);
    await using workers = workerProcesses(nats.connection, nats.server.url, stream);
    const ids = numbered(60);
    await Promise.all([workers.start("one"), workers.start("two")]);
    await Promise.all([published(stream, ids), published(stream, ids), published(stream, ids)]);
    await allAnswered(stream);
    await published(stream, ids);
    await allAnswered(stream);
    expect(counted(workers.of("began"))).toEqual(each(ids, 1));
    expect(counted(workers.of("done"))).toEqual(each(ids, 1));
    expect(new Set(workers.of("began").map(({ worker }) => worker))).toEqual(new Set(["one", "two"]));
    expect(await states(workers, stream, ids)).toEqual(ids.map(() => "committed"));
    expect(await stream.dead()).toEqual([]);
  });

  it("G2 G4 dispatch twice only the events that a killed worker left uncommitted", async () => {
    const stream = await createEventStream(nats.connection);
    await using workers = workerProcesses(nats.connection, nats.server.url, stream);
    const ids = numbered(90, (index) => (index % 10 === 0 ? "-fails-once" : ""));
    const [victim] = await Promise.all([
      workers.start("victim", { hangAfter: 5, concurrency: 4 }),
      workers.start("one"),
      workers.start("two"),
    ]);
    await published(stream, ids);
    const hanging = await eventually("the victim to be full of dispatches that hang", () => {
      const found = workers.of("began").filter(({ hangs }) => hangs);
      return found.length === 4 ? found : undefined;
    });
    victim.signal("SIGKILL");
    expect(await victim.ended).toBe("SIGKILL");
    await allAnswered(stream);

    const left = new Map(hanging.map(({ id, attempt }) => [id, attempt]));
    const beginnings = (id: string): number => 1 + (left.has(id) ? 1 : 0) + (failed(id) ? 1 : 0);
    // The kill may have ended the only attempt that would have failed.
    const failed = (id: string): boolean => id.endsWith("-fails-once") && left.get(id) !== 1;
    expect(counted(workers.of("began"))).toEqual(Object.fromEntries(ids.map((id) => [id, beginnings(id)])));
    expect(counted(workers.of("done"))).toEqual(each(ids, 1));
    for (const { id, attempt, fence, worker } of workers.of("done").filter(({ id }) => left.has(id))) {
      expect(attempt).toBeGreaterThanOrEqual(2);
      expect(worker).not.toBe("victim");
      expect(fence).toBeGreaterThan(hanging.find((one) => one.id === id)?.fence ?? Number.POSITIVE_INFINITY);
    }

    await published(stream, ids);
    await allAnswered(stream);
    expect(counted(workers.of("done"))).toEqual(each(ids, 1));
    expect(await states(workers, stream, ids)).toEqual(ids.map(() => "committed"));
    expect(await stream.dead()).toEqual([]);
  });

  it("G5 G8 report `superseded` to a worker that was paused beyond its lease", async () => {
    const stream = await createEventStream(nats.connection);
    await using workers = workerProcesses(nats.connection, nats.server.url, stream);
    const gate = `gate.${stream.name}`;
    const paused = await workers.start("paused", { concurrency: 1, gate });
    await stream.publish("e-1");
    await eventually("the dispatch to begin", () => workers.of("began")[0]);
    paused.signal("SIGSTOP");
    await workers.start("other", { concurrency: 1 });
    const taken = await eventually("another to have dispatched it", () => workers.of("done")[0]);
    expect(taken).toMatchObject({ worker: "other", id: "e-1" });
    expect(taken.attempt).toBeGreaterThanOrEqual(2);
    expect(taken.fence).toBeGreaterThan(workers.of("began")[0]?.fence ?? Number.POSITIVE_INFINITY);
    nats.connection.publish(gate);
    paused.signal("SIGCONT");
    const [late] = await eventually("the paused one to have ended its dispatch", () => {
      const found = workers
        .of("audit")
        .filter(({ audit, worker }) => audit === "trigger.dispatched" && worker === "paused");
      return found.length > 0 ? found : undefined;
    });
    expect(late?.commit).toBe("superseded");
    expect(workers.of("woke")).toMatchObject([{ worker: "paused", aborted: true }]);
    await allAnswered(stream);
    expect(counted(workers.of("began"))).toEqual({ "e-1": 2 });
  });

  it("finish their dispatches and exit on SIGTERM, and another worker takes the rest", async () => {
    const stream = await createEventStream(nats.connection);
    await using workers = workerProcesses(nats.connection, nats.server.url, stream);
    const [one] = await Promise.all([workers.start("one"), workers.start("two")]);
    const ids = numbered(60);
    const all = published(stream, ids);
    await eventually("both to be at work", () =>
      new Set(workers.of("done").map(({ worker }) => worker)).size === 2 ? true : undefined,
    );
    one.signal("SIGTERM");
    expect(await one.ended).toBe(0);
    await all;
    await allAnswered(stream);
    expect(counted(workers.of("began"))).toEqual(each(ids, 1));
    expect(counted(workers.of("done"))).toEqual(each(ids, 1));
  });
});
