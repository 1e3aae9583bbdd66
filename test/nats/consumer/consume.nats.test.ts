import { headers } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { describe, expect, it } from "vitest";
import {
  Deduplicator,
  type DeduplicatorOptions,
  FingerprintMismatchError,
  LatchkeyError,
  memoryStore,
  type Outcome,
  PermanentError,
  type Store,
  StoreUnavailableError,
} from "../../../src/index.ts";
import { resolveIdentity } from "../../../src/model/identity.ts";
import type { ReceivedMessage } from "../../../src/nats/index.ts";
import { ACK_WAIT_MS, createEventStream, DURABLE } from "../../support/event-stream.ts";
import { eventually } from "../../support/eventually.ts";
import { commit } from "../../support/store-contract-fixture.ts";
import { useNatsServer } from "../../support/use-nats-server.ts";
import { startWorker } from "../../support/worker.ts";

const nats = useNatsServer();

/** Returns a store whose writes fail on request: all of them, or only commits. */
function unreliableStore(): { readonly store: Store; away: "no" | "all" | "commits" } {
  const inner = memoryStore();
  const self: { store: Store; away: "no" | "all" | "commits" } = {
    away: "no",
    store: {
      put(key, record, how) {
        if (self.away === "all" || (self.away === "commits" && record.state === "committed")) {
          return Promise.reject(new StoreUnavailableError("away", { ambiguous: false }));
        }
        return inner.put(key, record, how);
      },
      get: (key) => inner.get(key),
      remove: (key, how) => inner.remove(key, how),
    },
  };
  return self;
}

const quick = (more: Partial<DeduplicatorOptions> = {}): DeduplicatorOptions => ({
  store: memoryStore(),
  leaseMs: 3_000,
  skewMs: 0,
  ...more,
});

describe("a message", () => {
  it("is acknowledged after its event was dispatched and committed", async () => {
    const stream = await createEventStream(nats.connection);
    await stream.publish("e-1");
    await using worker = await startWorker(stream, {
      dedup: quick(),
      // The consumer confirms over its own connection, which it finds in the client's objects.
      dispatch: (_id, _context, message) => void Object.assign(message, { ackAck: () => Promise.resolve(false) }),
    });
    const [audit] = await worker.until("trigger.dispatched");
    await stream.settled(1);
    expect(worker.of("trigger.ack.unconfirmed")).toEqual([]);
    expect(audit).toMatchObject({
      commit: "confirmed",
      attempt: 1,
      unprotected: false,
      deliveries: 1,
      sequence: 1,
      stream: stream.name,
      consumer: DURABLE,
      subject: stream.subject,
      identity: stream.identity("e-1"),
    });
    expect(worker.began).toEqual(["e-1"]);
    expect(worker.of("trigger.nakked")).toEqual([]);
  });

  it("is acknowledged without a dispatch if its event is a duplicate", async () => {
    const stream = await createEventStream(nats.connection);
    await using worker = await startWorker(stream, { dedup: quick() });
    await stream.publish("e-1");
    await worker.until("trigger.dispatched");
    await stream.publish("e-1", "another body");
    await worker.until("trigger.deduped");
    await stream.settled(2);
    expect(worker.began).toEqual(["e-1"]);
  });

  it("G2 is nak'd while another holder dispatches its event, and dispatched after that holder fails", async () => {
    const stream = await createEventStream(nats.connection);
    const dedup = quick();
    await using other = new Deduplicator(dedup);
    const reservation = await other.reserve(stream.identity("e-1"));
    await stream.publish("e-1");
    await using worker = await startWorker(stream, { dedup });
    const [put] = await worker.until("trigger.nakked");
    expect(put).toMatchObject({ delay: "pending", lost: false, delayMs: expect.any(Number) });
    expect(put?.delayMs).toBeGreaterThanOrEqual(100);
    expect(worker.began).toEqual([]);
    if (reservation.decision === "unseen") await reservation.release();
    const [audit] = await worker.until("trigger.dispatched");
    expect(audit?.attempt).toBeGreaterThanOrEqual(2);
    await stream.settled(1);
  });

  it("G2 is nak'd as long as its key holds another event's record", async () => {
    const stream = await createEventStream(nats.connection);
    const store = memoryStore();
    const [own, other] = [resolveIdentity(stream.identity("e-1")), resolveIdentity(stream.identity("e-2"))];
    await store.put(own.storeKey, commit(other), { expected: 0, ttlMs: 60_000 });
    await stream.publish("e-1");
    await using worker = await startWorker(stream, { dedup: quick({ store }), maxDeliver: 1 });
    const puts = await worker.until("trigger.nakked", 2);
    expect(puts.map(({ delay }) => delay)).toEqual(puts.map(() => "backoff"));
    expect(worker.of("trigger.refused")[0]?.error).toMatchObject({
      code: "record-unreadable",
      message: expect.stringContaining("belongs to another event: expected its `eventId` to be"),
    });
    expect([worker.began, worker.of("trigger.deduped")]).toEqual([[], []]);
    expect(await stream.info()).toMatchObject({ ack_floor: { stream_seq: 0 } });
    expect(await worker.dedup.clear({ workspaceId: "default", ...stream.identity("e-1") })).toBe(1);
    await worker.until("trigger.dispatched");
    await stream.settled(1);
    expect(worker.began).toEqual(["e-1"]);
    expect(await stream.dead()).toEqual([]);
  });

  it("G3 is nak'd while another holder dispatches its event, and a duplicate after that holder commits", async () => {
    const stream = await createEventStream(nats.connection);
    const dedup = quick();
    await using other = new Deduplicator(dedup);
    const reservation = await other.reserve(stream.identity("e-1"));
    await stream.publish("e-1");
    await using worker = await startWorker(stream, { dedup });
    await worker.until("trigger.nakked");
    if (reservation.decision === "unseen") await reservation.commit();
    await worker.until("trigger.deduped");
    await stream.settled(1);
    expect(worker.began).toEqual([]);
  });

  it("F6 is nak'd with backoff when its dispatch throws, and becomes a dead letter after `maxDeliver` failures", async () => {
    const stream = await createEventStream(nats.connection);
    await stream.publish("e-1");
    const boom = new Error("boom");
    await using worker = await startWorker(stream, {
      dedup: quick(),
      maxDeliver: 4,
      dispatch: () => Promise.reject(boom),
    });
    const [letter] = await worker.until("trigger.dead-lettered");
    await stream.settled(1);
    expect(
      worker.of("trigger.dispatch.failed").map(({ attempt, permanent, error }) => [attempt, permanent, error]),
    ).toEqual([1, 2, 3, 4].map((attempt) => [attempt, false, boom]));
    expect(worker.of("trigger.nakked").map(({ delay, delayMs }) => [delay, delayMs])).toEqual([
      ["backoff", 50],
      ["backoff", 100],
      ["backoff", 200],
    ]);
    expect(letter).toMatchObject({
      reason: "max-deliver",
      deadLetterSubject: stream.deadSubject,
      error: boom,
      deliveries: 4,
    });
    const [dead] = await stream.dead();
    expect(dead?.string()).toBe("body of e-1");
    expect(dead?.header.get("ce-id")).toBe("e-1");
    expect(dead?.header.get("Latchkey-Reason")).toBe("max-deliver");
    expect(dead?.header.get("Latchkey-Error")).toBe("boom");
    expect(dead?.header.get("Latchkey-Original-Subject")).toBe(stream.subject);
  });

  it("F6 is dispatched again after its dispatch threw once", async () => {
    const stream = await createEventStream(nats.connection);
    await stream.publish("e-1");
    let calls = 0;
    await using worker = await startWorker(stream, {
      dedup: quick(),
      dispatch: () => {
        calls += 1;
        if (calls === 1) throw new Error("boom");
      },
    });
    await worker.until("trigger.dispatched");
    await stream.settled(1);
    expect(worker.began).toEqual(["e-1", "e-1"]);
    expect(await stream.dead()).toEqual([]);
  });

  it.each([
    ["PermanentError", new PermanentError("never")],
    ["F21 PermanentError of another copy of the package", Object.assign(new Error("never"), { code: "permanent" })],
  ])("becomes a dead letter at once and releases its key when its dispatch throws a %s", async (_, error) => {
    const stream = await createEventStream(nats.connection);
    await stream.publish("e-1");
    await using worker = await startWorker(stream, {
      dedup: quick(),
      dispatch: () => {
        throw error;
      },
    });
    const [letter] = await worker.until("trigger.dead-lettered");
    await stream.settled(1);
    expect(letter).toMatchObject({ reason: "permanent-error", error, deliveries: 1 });
    expect(await stream.dead()).toHaveLength(1);
    expect(await worker.dedup.peek(stream.identity("e-1"))).toBeUndefined();
  });

  it("becomes a dead letter without a dispatch if it has no identity", async () => {
    const stream = await createEventStream(nats.connection);
    await stream.jetstream.publish(stream.subject, "who am I");
    await using worker = await startWorker(stream, { dedup: quick() });
    const [letter] = await worker.until("trigger.dead-lettered");
    await stream.settled(1);
    expect(letter).toMatchObject({ reason: "unidentifiable", error: expect.any(Error) });
    expect(letter).not.toHaveProperty("identity");
    const [dead] = await stream.dead();
    expect(dead?.string()).toBe("who am I");
    expect(worker.began).toEqual([]);
  });

  /** Results by the id of an event; a function that may throw. */
  type Results = Readonly<Record<string, () => unknown>>;
  const anyFails: Results = {
    throws: () => {
      throw new Error("cannot");
    },
    undefined: () => undefined,
    null: () => null,
    number: () => 7,
    empty: () => "",
    malformed: () => "\uD800",
    list: () => [],
    object: () => ({ key: "a key" }),
  };
  const identityFails: Results = {
    "empty ids": () => ({ subscriptionId: "", eventId: "" }),
    "a number as id": () => ({ subscriptionId: "s", eventId: 9_007_199_254_740_993n }),
    unidentifiable: () => ({ unidentifiable: "no id" }),
  };
  it.each<readonly [option: string, fails: Results, right: unknown]>([
    ["identify", { ...anyFails, ...identityFails }, { subscriptionId: "s", eventId: "e" }],
    ["fingerprint", anyFails, "a hash"],
    ["orderBy", anyFails, "a key"],
  ])("becomes a dead letter without a dispatch if `%s` fails for it", async (option, fails, right) => {
    const stream = await createEventStream(nats.connection);
    const ids = Object.keys(fails);
    for (const id of [...ids, "right"]) await stream.publish(id);
    const read = ({ headers: fields }: ReceivedMessage): unknown =>
      (fails[fields?.get("ce-id") ?? ""] ?? (() => right))();
    const options: object = { [option]: read };
    await using worker = await startWorker(stream, { dedup: quick(), ...options });
    const letters = await worker.until("trigger.dead-lettered", ids.length);
    await stream.settled(ids.length + 1);
    const reasons = letters.map(({ reason, error }) => ({ reason, isError: error instanceof Error }));
    expect(reasons).toEqual(ids.map(() => ({ reason: "unidentifiable", isError: true })));
    expect(worker.began).toEqual(["right"]);
    expect(worker.of("trigger.nakked")).toEqual([]);
  });

  it.each<readonly [option: string, kind: string, read: () => Promise<unknown>]>([
    ["identify", "resolves", () => Promise.resolve({ subscriptionId: "s", eventId: "e" })],
    ["identify", "rejects", () => Promise.reject(new Error("cannot"))],
    ["fingerprint", "resolves", () => Promise.resolve("a hash")],
    ["orderBy", "rejects", () => Promise.reject(new Error("cannot"))],
  ])("waits for a corrected program if `%s` returns a promise that %s", async (option, _, read) => {
    const stream = await createEventStream(nats.connection);
    for (const id of ["e-1", "e-2"]) await stream.publish(id);
    const options: object = { [option]: read };
    await using wrong = await startWorker(stream, { dedup: quick(), ...options });
    await expect(wrong.running.finished).rejects.toMatchObject({
      code: "consumer-misconfigured",
      findings: [{ setting: option, remedy: "return the value itself, without `async`" }],
    });
    expect(wrong.began).toEqual([]);
    await using corrected = await startWorker(stream, { dedup: wrong.dedup });
    await corrected.until("trigger.dispatched", 2);
    expect(await stream.dead()).toEqual([]);
  });

  it("becomes a dead letter if its headers are unreadable", async () => {
    const stream = await createEventStream(nats.connection);
    const unreadable = Object.assign(headers(), {
      encode: () => new TextEncoder().encode("NATS/1.0\r\nce-id: a\nb\r\n\r\n"),
    });
    await stream.jetstream.publish(stream.subject, "body", { headers: unreadable });
    await using worker = await startWorker(stream, { dedup: quick() });
    await worker.until("trigger.dead-lettered");
    await stream.settled(1);
    const [dead] = await stream.dead();
    expect(dead?.string()).toBe("body");
    expect(dead?.header.get("Latchkey-Original-Headers")).toBe("unreadable");
  });

  it("becomes a dead letter without a dispatch if its event arrived earlier with another payload", async () => {
    const stream = await createEventStream(nats.connection);
    await using worker = await startWorker(stream, { dedup: quick(), fingerprint: (message) => message.string() });
    await stream.publish("e-1", "one");
    await worker.until("trigger.dispatched");
    await stream.publish("e-1", "one");
    await worker.until("trigger.deduped");
    await stream.publish("e-1", "two");
    const [letter] = await worker.until("trigger.dead-lettered");
    await stream.settled(3);
    expect(letter).toMatchObject({ reason: "fingerprint-mismatch", error: expect.any(FingerprintMismatchError) });
    expect((await stream.dead()).map((dead) => dead.string())).toEqual(["two"]);
    expect(worker.began).toEqual(["e-1"]);
  });

  it("is nak'd while the store is unreachable, and never becomes a dead letter because of that", async () => {
    const stream = await createEventStream(nats.connection);
    const unreliable = unreliableStore();
    unreliable.away = "all";
    await stream.publish("e-1");
    await using worker = await startWorker(stream, { dedup: quick({ store: unreliable.store }), maxDeliver: 1 });
    const puts = await worker.until("trigger.nakked", 3);
    expect(puts.map(({ delay }) => delay)).toEqual(puts.map(() => "backoff"));
    expect(worker.began).toEqual([]);
    expect(worker.of("trigger.refused")[0]?.error).toBeInstanceOf(StoreUnavailableError);
    unreliable.away = "no";
    await worker.until("trigger.dispatched");
    await stream.settled(1);
    expect(await stream.dead()).toEqual([]);
  });

  it("is dispatched and acknowledged without the store if dispatches may run unprotected", async () => {
    const stream = await createEventStream(nats.connection);
    const unreliable = unreliableStore();
    unreliable.away = "all";
    await stream.publish("e-1");
    const dedup = quick({ store: unreliable.store, onStoreUnavailable: "dispatch" });
    await using worker = await startWorker(stream, { dedup });
    const [audit] = await worker.until("trigger.dispatched");
    await stream.settled(1);
    expect(audit).toMatchObject({ unprotected: true, fence: 0, commit: "unconfirmed" });
  });

  it("F10 is acknowledged after its dispatch if the commit is unconfirmed", async () => {
    const stream = await createEventStream(nats.connection);
    const unreliable = unreliableStore();
    unreliable.away = "commits";
    await stream.publish("e-1");
    await using worker = await startWorker(stream, { dedup: quick({ store: unreliable.store }) });
    const [audit] = await worker.until("trigger.dispatched");
    await stream.settled(1);
    expect(audit?.commit).toBe("unconfirmed");
    expect(worker.began).toEqual(["e-1"]);
  });

  it("F10 is acknowledged after its dispatch if the deduplicator fails", async () => {
    const stream = await createEventStream(nats.connection);
    await stream.publish("e-1");
    const failure = new Error("not the dispatch's");
    class FailsAfterwards extends Deduplicator {
      override async guard<Value>(...call: Parameters<Deduplicator["guard"]>): Promise<Outcome<Value>> {
        await super.guard(...call);
        throw failure;
      }
    }
    await using worker = await startWorker(stream, { dedup: new FailsAfterwards(quick()) });
    const [audit] = await worker.until("trigger.dispatched");
    await stream.settled(1);
    expect(audit).toMatchObject({ commit: "unconfirmed", error: failure });
    expect(worker.began).toEqual(["e-1"]);
  });

  it("F12 counts a failed dispatch, not an unreachable store, when its dispatch throws a store's error", async () => {
    const stream = await createEventStream(nats.connection);
    await stream.publish("e-1");
    await using worker = await startWorker(stream, {
      dedup: quick(),
      maxDeliver: 1,
      dispatch: () => Promise.reject(new StoreUnavailableError("the handler's own store", { ambiguous: false })),
    });
    const [letter] = await worker.until("trigger.dead-lettered");
    await stream.settled(1);
    expect(letter?.reason).toBe("max-deliver");
    expect(worker.of("trigger.refused")).toEqual([]);
  });

  it("G2 is nak'd when its handler releases the key and returns", async () => {
    const stream = await createEventStream(nats.connection);
    await stream.publish("e-1");
    let calls = 0;
    await using worker = await startWorker(stream, {
      dedup: quick(),
      dispatch: async (_, { reservation }) => {
        calls += 1;
        if (calls === 1) await reservation.release();
      },
    });
    await worker.until("trigger.dispatched");
    await stream.settled(1);
    expect(worker.began).toEqual(["e-1", "e-1"]);
  });
});

describe("a running consumer", () => {
  it("F17 sends in-progress acks, so that a long dispatch causes no redelivery", async () => {
    const stream = await createEventStream(nats.connection);
    for (const id of ["a", "b", "c"]) await stream.publish(id);
    await using worker = await startWorker(stream, {
      dedup: quick({ leaseMs: 10_000 }),
      concurrency: 2,
      // Two and a half times `ack_wait`: only time shows that the server keeps waiting.
      dispatch: () => new Promise((resolve) => setTimeout(resolve, 2.5 * ACK_WAIT_MS)),
    });
    await worker.until("trigger.dispatched", 3);
    await stream.settled(3);
    expect(worker.audits.map((audit) => ("deliveries" in audit ? audit.deliveries : 1))).toEqual(
      worker.audits.map(() => 1),
    );
    expect((await stream.info()).delivered.consumer_seq).toBe(3);
  });

  it("fetches no more messages than its concurrency", async () => {
    const stream = await createEventStream(nats.connection);
    const ids = Array.from({ length: 30 }, (_, index) => `e-${index}`);
    for (const id of ids) await stream.publish(id);
    let go: () => void = () => {};
    const gate = new Promise<void>((resolve) => (go = resolve));
    let running = 0;
    let most = 0;
    await using worker = await startWorker(stream, {
      dedup: quick({ leaseMs: 30_000 }),
      concurrency: 4,
      dispatch: async () => {
        most = Math.max(most, ++running);
        await gate;
        running -= 1;
      },
    });
    await eventually("four to run", () => (running === 4 ? true : undefined));
    expect(await stream.info()).toMatchObject({ num_ack_pending: 4, num_pending: 26 });
    go();
    await stream.settled(30);
    expect(most).toBe(4);
    expect(new Set(worker.began)).toEqual(new Set(ids));
    expect(worker.began).toHaveLength(30);
  });

  it("never puts a payload into an audit", async () => {
    const stream = await createEventStream(nats.connection);
    await using worker = await startWorker(stream, {
      dedup: quick(),
      maxDeliver: 1,
      dispatch: (id) => {
        if (id === "bad") throw new Error("boom");
      },
    });
    await stream.publish("good", "SECRET");
    await stream.publish("good", "SECRET");
    await stream.publish("bad", "SECRET");
    await stream.jetstream.publish(stream.subject, "SECRET");
    await worker.until("trigger.dead-lettered", 2);
    await worker.until("trigger.deduped");
    expect(worker.audits.length).toBeGreaterThan(3);
    expect(JSON.stringify(worker.audits)).not.toContain("SECRET");
  });
});

describe("a server with `max_deliver`", () => {
  it("does not drop an event at its last delivery while another holder dispatches it", async () => {
    const stream = await createEventStream(nats.connection, { max_deliver: 1 });
    const dedup = quick();
    await using other = new Deduplicator(dedup);
    const reservation = await other.reserve(stream.identity("e-1"));
    await stream.publish("e-1");
    await using worker = await startWorker(stream, { dedup });
    await worker.untilDedupEvent("pending");
    if (reservation.decision === "unseen") await reservation.release();
    await worker.until("trigger.dispatched");
    await stream.settled(1);
    expect(worker.of("trigger.nakked")).toEqual([]);
  });

  it("does not drop an event at its last delivery while the store is unreachable", async () => {
    const stream = await createEventStream(nats.connection, { max_deliver: 1 });
    const unreliable = unreliableStore();
    unreliable.away = "all";
    await stream.publish("e-1");
    await using worker = await startWorker(stream, { dedup: quick({ store: unreliable.store }) });
    await worker.until("trigger.refused", 2);
    unreliable.away = "no";
    await worker.until("trigger.dispatched");
    await stream.settled(1);
    expect(worker.of("trigger.nakked")).toEqual([]);
  });

  it("gets a dead letter when the dispatch of the last delivery fails", async () => {
    const stream = await createEventStream(nats.connection, { max_deliver: 2 });
    await stream.publish("e-1");
    await using worker = await startWorker(stream, {
      dedup: quick(),
      dispatch: () => Promise.reject(new Error("boom")),
    });
    const [letter] = await worker.until("trigger.dead-lettered");
    expect(letter).toMatchObject({ reason: "max-deliver", deliveries: 2 });
    expect(await stream.dead()).toHaveLength(1);
    expect(worker.of("trigger.consumer.warning").map(({ finding }) => finding.setting)).toContain("max_deliver");
  });

  it("gets a dead letter when the consumer stops before it could dispatch the last delivery", async () => {
    const stream = await createEventStream(nats.connection, { max_deliver: 1 });
    const unreliable = unreliableStore();
    unreliable.away = "all";
    await stream.publish("e-1");
    await using worker = await startWorker(stream, { dedup: quick({ store: unreliable.store }) });
    await worker.until("trigger.refused");
    await worker.running.stop({ drainMs: 0 });
    expect(worker.of("trigger.dead-lettered").map(({ reason }) => reason)).toEqual(["last-delivery"]);
    expect((await stream.dead()).map((dead) => dead.string())).toEqual(["body of e-1"]);
  });

  it("does not drop a last delivery whose dead letter cannot be stored yet", async () => {
    const stream = await createEventStream(nats.connection, { max_deliver: 1 });
    await stream.publish("e-1");
    await using worker = await startWorker(stream, {
      dedup: quick(),
      dispatch: async () => {
        await stream.manager.streams.delete(stream.deadName);
        throw new PermanentError("never");
      },
    });
    await worker.until("trigger.dead-letter.failed", 2);
    await stream.addDeadLetters();
    await worker.until("trigger.dead-lettered");
    expect(await stream.dead()).toHaveLength(1);
    expect(worker.began).toEqual(["e-1"]);
  });
});

describe("a consumer that stops", () => {
  it("waits for running dispatches and their acknowledgements", async () => {
    const stream = await createEventStream(nats.connection);
    await stream.publish("e-1");
    let go: () => void = () => {};
    const gate = new Promise<void>((resolve) => (go = resolve));
    await using worker = await startWorker(stream, { dedup: quick(), dispatch: () => gate });
    await eventually("the dispatch to begin", () => worker.began[0]);
    const stopped = worker.running.stop();
    await stream.publish("e-2");
    go();
    await stopped;
    await worker.running.finished;
    expect(worker.of("trigger.dispatched").map(({ commit }) => commit)).toEqual(["confirmed"]);
    expect(await stream.info()).toMatchObject({ num_ack_pending: 0, ack_floor: { stream_seq: 1 } });
    expect(worker.began).toEqual(["e-1"]);
  });

  it("aborts running dispatches after the drain time and naks their messages", async () => {
    const stream = await createEventStream(nats.connection);
    await stream.publish("e-1");
    const dedup = quick({ leaseMs: 30_000 });
    await using first = await startWorker(stream, {
      dedup,
      dispatch: (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
        }),
    });
    await eventually("the dispatch to begin", () => first.began[0]);
    await first.running.stop({ drainMs: 0 });
    expect(first.of("trigger.nakked")).toMatchObject([{ delay: "none", delayMs: 0 }]);
    expect(first.of("trigger.dispatch.failed")[0]?.error).toMatchObject({ code: "closed" });
    await using second = await startWorker(stream, { dedup });
    const [audit] = await second.until("trigger.dispatched");
    expect(audit?.attempt).toBe(2);
    await stream.settled(1);
  });

  it("does not wait for a dispatch that ignores its signal, and its event is not dispatched a second time", async () => {
    const stream = await createEventStream(nats.connection);
    await stream.publish("e-1");
    const dedup = quick({ leaseMs: 30_000 });
    let go: () => void = () => {};
    const gate = new Promise<void>((resolve) => (go = resolve));
    await using first = await startWorker(stream, { dedup, dispatch: () => gate });
    await eventually("the dispatch to begin", () => first.began[0]);
    await first.running.stop({ drainMs: 0 });
    expect(first.of("trigger.nakked")).toMatchObject([{ delay: "none" }]);
    await using second = await startWorker(stream, { dedup, subscriptionId: `${stream.name}/${DURABLE}` });
    await second.until("trigger.nakked");
    go();
    await first.until("trigger.dispatched");
    expect(second.began).toEqual([]);
    expect(await first.dedup.peek(stream.identity("e-1"))).toMatchObject({ record: { state: "committed" } });
  });

  it("stops earlier when `stop` is called again with less time", async () => {
    const stream = await createEventStream(nats.connection);
    await stream.publish("e-1");
    await using worker = await startWorker(stream, {
      dedup: quick(),
      dispatch: (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
        }),
    });
    await eventually("the dispatch to begin", () => worker.began[0]);
    const stopped = worker.running.stop({ drainMs: 1_000_000 });
    await worker.running.stop({ drainMs: 0 });
    await stopped;
    await worker.running.finished;
  });

  it("stops on a signal, and does not start if the signal has aborted", async () => {
    const stream = await createEventStream(nats.connection);
    const controller = new AbortController();
    await using worker = await startWorker(stream, { dedup: quick(), signal: controller.signal });
    const reason = new Error("enough");
    controller.abort(reason);
    await worker.running.finished;
    await expect(startWorker(stream, { dedup: quick(), signal: controller.signal })).rejects.toBe(reason);
  });

  it("reports that the consumer was deleted", async () => {
    const stream = await createEventStream(nats.connection);
    await using worker = await startWorker(stream, { dedup: quick() });
    await stream.publish("e-1");
    await stream.settled(1);
    await stream.manager.consumers.delete(stream.name, DURABLE);
    await expect(worker.running.finished).rejects.toMatchObject({ code: "closed", cause: { code: 10014 } });
    expect(worker.of("trigger.consumer.lost")).toHaveLength(1);
    await worker.running.stop();
  });

  it("continues if a server does not know the consumer for a moment", async () => {
    const stream = await createEventStream(nats.connection);
    await using worker = await startWorker(stream, { dedup: quick() });
    await stream.publish("e-1");
    await stream.settled(1);
    const { config } = await stream.info();
    await stream.manager.consumers.delete(stream.name, DURABLE);
    await worker.until("trigger.pull.failed");
    await stream.manager.consumers.add(stream.name, config);
    await worker.until("trigger.deduped");
    await stream.publish("e-2");
    await worker.until("trigger.dispatched", 2);
    expect(worker.of("trigger.consumer.lost")).toEqual([]);
  });

  it("reports that the stream was deleted", async () => {
    const stream = await createEventStream(nats.connection);
    await using worker = await startWorker(stream, { dedup: quick() });
    await stream.manager.streams.delete(stream.name);
    await expect(worker.running.finished).rejects.toMatchObject({ code: "closed" });
  });

  it("reports that the connection was closed", async () => {
    const stream = await createEventStream(nats.connection);
    const own = await connect({ servers: nats.server.url });
    await using worker = await startWorker(stream, { dedup: quick(), connection: own });
    await own.close();
    await expect(worker.running.finished).rejects.toBeInstanceOf(LatchkeyError);
  });

  it("reports that the deduplicator was closed, and loses no event", async () => {
    const stream = await createEventStream(nats.connection);
    const store = memoryStore();
    await using first = await startWorker(stream, { dedup: quick({ store }) });
    await first.dedup.close();
    await stream.publish("e-1");
    await expect(first.running.finished).rejects.toMatchObject({ code: "closed" });
    expect(first.began).toEqual([]);
    await using second = await startWorker(stream, { dedup: quick({ store }) });
    await second.until("trigger.dispatched");
    await stream.settled(1);
  });
});

describe("a consumer that starts", () => {
  it("is refused if its configuration could lose events", async () => {
    const stream = await createEventStream(nats.connection, { ack_policy: "none", ack_wait: 0 });
    await expect(startWorker(stream, { dedup: quick() })).rejects.toMatchObject({
      code: "consumer-misconfigured",
      findings: [{ setting: "ack_policy" }],
    });
  });

  it("is refused if no stream stores its dead letters", async () => {
    const stream = await createEventStream(nats.connection);
    const deadLetter = { subject: "nowhere.to.go", jetstream: stream.jetstream };
    await expect(startWorker(stream, { dedup: quick(), deadLetter })).rejects.toMatchObject({
      code: "consumer-misconfigured",
      findings: [{ setting: "deadLetter", sentence: expect.stringContaining("no stream stores") }],
    });
  });

  it("is refused if it would receive its own dead letters", async () => {
    const stream = await createEventStream(nats.connection);
    const deadLetter = { subject: stream.subject, jetstream: stream.jetstream };
    await expect(startWorker(stream, { dedup: quick(), deadLetter })).rejects.toMatchObject({
      findings: [{ setting: "deadLetter", sentence: expect.stringContaining("all of which this consumer reads") }],
    });
  });

  it("audits a warning for each unsuitable setting", async () => {
    const stream = await createEventStream(nats.connection, { max_ack_pending: 2 });
    await using worker = await startWorker(stream, { dedup: quick({ leaseMs: 30_000 }) });
    expect(worker.of("trigger.consumer.warning").map(({ finding }) => finding.setting)).toEqual([
      "ack_wait",
      "max_ack_pending",
      "deadLetter",
    ]);
  });
});
