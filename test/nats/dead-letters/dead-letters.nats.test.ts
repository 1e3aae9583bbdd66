import { headers } from "@nats-io/nats-core";
import { describe, expect, it } from "vitest";
import { Deduplicator } from "../../../src/deduplicator.ts";
import { Deferred } from "../../../src/internal/deferred.ts";
import type { DeadLetter } from "../../../src/model/dead-letter.ts";
import { resolveIdentity } from "../../../src/model/identity.ts";
import { deadLetters } from "../../../src/nats/index.ts";
import { collected } from "../../support/collected.ts";
import { eventually } from "../../support/eventually.ts";
import { answered, incident, type LetterIncident } from "../../support/letter-incident.ts";
import { useNatsServer } from "../../support/use-nats-server.ts";

const nats = useNatsServer();

/** Publishes an event that becomes a letter, and stops the consumer. */
async function letterOf(at: LetterIncident, id = "e-1"): Promise<DeadLetter> {
  await using _ = await at.work();
  await at.stream.publish(id, "payload");
  const letter = await eventually("the letter", async () => (await collected(at.letters.list())).at(-1));
  await answered(at.stream);
  return letter;
}

/** Publishes a message to the dead letters' subject. */
async function publishLetter(
  at: LetterIncident,
  body: string,
  fields: Readonly<Record<string, string>>,
): Promise<number> {
  const all = headers();
  for (const [name, value] of Object.entries(fields)) all.set(name, value);
  return (await at.stream.jetstream.publish(at.stream.deadSubject, body, { headers: all })).seq;
}

const messages = async ({ stream }: LetterIncident): Promise<number> =>
  (await stream.manager.streams.info(stream.name)).state.messages;

describe("a dead letter", () => {
  it("is listed with its reason, its error, its event and its original", async () => {
    await using at = await incident(nats.connection);
    const letter = await letterOf(at);
    const expected: DeadLetter = {
      sequence: 1,
      storedAtMs: letter.storedAtMs,
      reason: "permanent-error",
      error: "No such shop",
      consumer: "worker",
      deliveries: 1,
      identity: resolveIdentity(at.stream.identity("e-1")),
      original: { subject: at.stream.subject, stream: at.stream.name, sequence: 1, time: letter.original.time },
      bytes: 7,
      hasBody: true,
    };
    expect(letter).toEqual(expected);
    expect(await at.letters.get(1)).toEqual(expected);
    expect(Math.abs(letter.storedAtMs - Date.now())).toBeLessThan(60_000);
  });

  it("is distinguished from other messages under its subject", async () => {
    await using at = await incident(nats.connection);
    await at.stream.jetstream.publish(at.stream.deadSubject, "no headers");
    await publishLetter(at, "foreign", { "Latchkey-Reason": "bad luck" });
    const { sequence } = await letterOf(at);
    expect((await collected(at.letters.list())).map((letter) => letter.sequence)).toEqual([sequence]);
    expect(await at.letters.get(1)).toBeUndefined();
    expect(await at.letters.redrive(1)).toEqual({ result: "gone" });
  });

  it("is dropped without being dispatched", async () => {
    await using at = await incident(nats.connection);
    const { sequence } = await letterOf(at);
    expect(await at.letters.drop(sequence)).toBe(true);
    expect(await at.letters.drop(sequence)).toBe(false);
    expect(await collected(at.letters.list())).toEqual([]);
    expect(await messages(at)).toBe(1);
  });
});

describe("a redrive that may repeat or lose an event", () => {
  it("leaves the letter of an event that has since been dispatched", async () => {
    await using at = await incident(nats.connection);
    const { sequence } = await letterOf(at);
    await using other = new Deduplicator({ store: at.store, owner: "web-2" });
    await other.guard(at.stream.identity("e-1"), () => {});
    expect(await at.letters.redrive(sequence)).toMatchObject({ result: "left", why: "dispatched", owner: "web-2" });
    expect([await messages(at), (await collected(at.letters.list())).length]).toEqual([1, 1]);
  });

  it("leaves the letter of an event that is being dispatched", async () => {
    await using at = await incident(nats.connection);
    const { sequence } = await letterOf(at);
    await using other = new Deduplicator({ store: at.store, owner: "web-2", leaseMs: 60_000 });
    const end = new Deferred<void>();
    const began = new Deferred<void>();
    const dispatch = other.guard(at.stream.identity("e-1"), () => {
      began.resolve();
      return end.promise;
    });
    await began.promise;
    expect(await at.letters.redrive(sequence)).toEqual({ result: "left", why: "in-progress", owner: "web-2" });
    end.resolve();
    await dispatch;
    expect(await messages(at)).toBe(1);
  });

  it("leaves the letter if the stream keeps its messages", async () => {
    await using at = await incident(nats.connection);
    const { manager, name } = at.stream;
    const subject = `kept.${name}`;
    await manager.streams.add({ name: `K-${name}`, subjects: [subject], storage: "memory", deny_delete: true });
    const letters = await deadLetters(nats.connection, { subject, store: at.store });
    await letterOf(at);
    const message = (await at.stream.dead())[0];
    await at.stream.jetstream.publish(subject, message?.data, message === undefined ? {} : { headers: message.header });
    await expect(letters.redrive(1)).rejects.toMatchObject({ code: "dead-letters-unavailable" });
    expect(await messages(at)).toBe(1);
    await expect(letters.drop(1)).rejects.toThrow("cannot be changed");
  });

  it("leaves the letter if no stream stores the original's subject", async () => {
    await using at = await incident(nats.connection);
    const { sequence } = await letterOf(at);
    await at.stream.manager.streams.delete(at.stream.name);
    await expect(at.letters.redrive(sequence)).rejects.toThrow("could not be published to `events.");
    expect(await collected(at.letters.list())).toHaveLength(1);
  });

  it.each<readonly [string, (at: LetterIncident) => Promise<unknown>, boolean]>([
    ["publishes the original of a letter without a body", async () => {}, true],
    [
      "leaves a letter without a body whose original is gone",
      ({ stream }) => stream.manager.streams.deleteMessage(stream.name, 1),
      false,
    ],
    [
      "leaves a letter without a body whose stream was created again",
      async ({ stream }) => {
        await stream.manager.streams.delete(stream.name);
        await stream.manager.streams.add({ name: stream.name, subjects: [stream.subject], storage: "memory" });
        await stream.publish("e-9", "another");
      },
      false,
    ],
  ])("%s", async (_, change, isRedriven) => {
    await using at = await incident(nats.connection);
    const { sequence } = await letterOf(at);
    const [message] = await at.stream.dead();
    if (message === undefined) throw new Error("unreachable");
    const fields = Object.fromEntries([...message.header].map(([name, [value = ""]]) => [name, value] as const));
    const omitted = await publishLetter(at, "", { ...fields, "Latchkey-Omitted-Bytes": "7" });
    await at.letters.drop(sequence);
    expect(await at.letters.get(omitted)).toMatchObject({ hasBody: false, bytes: 7 });
    await change(at);
    if (!isRedriven) {
      expect(await at.letters.redrive(omitted)).toEqual({ result: "left", why: "no-body" });
      return;
    }
    at.repair();
    expect(await at.letters.redrive(omitted)).toMatchObject({ result: "redriven" });
    await at.work();
    await eventually("the dispatch", () => (at.effects.length > 0 ? true : undefined));
    expect(at.effects).toEqual(["payload"]);
  });

  it("leaves a letter whose headers the consumer could not read", async () => {
    await using at = await incident(nats.connection);
    const sequence = await publishLetter(at, "body", {
      "Latchkey-Reason": "unidentifiable",
      "Latchkey-Original-Subject": at.stream.subject,
      "Latchkey-Original-Stream": at.stream.name,
      "Latchkey-Original-Sequence": "1",
      "Latchkey-Original-Headers": "unreadable",
    });
    expect(await at.letters.redrive(sequence)).toEqual({ result: "left", why: "no-headers" });
    expect(await messages(at)).toBe(0);
  });

  it("dispatches the event once if two operators redrive its letter concurrently", async () => {
    await using at = await incident(nats.connection);
    const { sequence } = await letterOf(at);
    at.repair();
    await at.work();
    const results = await Promise.all([at.letters.redrive(sequence), at.letters.redrive(sequence)]);
    expect(results.some(({ result }) => result === "redriven")).toBe(true);
    await eventually("the dispatch", () => (at.effects.length > 0 ? true : undefined));
    await answered(at.stream);
    expect(at.effects).toEqual(["payload"]);
  });

  it("keeps the identity of a letter that becomes one again", async () => {
    await using at = await incident(nats.connection);
    await using _ = await at.work();
    await at.stream.jetstream.publish(at.stream.subject, "payload", { msgID: "m-1" });
    const first = await eventually("the letter", async () => (await collected(at.letters.list()))[0]);
    await at.letters.redrive(first.sequence);
    const second = await eventually("the second letter", async () => (await collected(at.letters.list()))[0]);
    expect(second.sequence).toBeGreaterThan(first.sequence);
    expect(second.identity).toEqual(first.identity);
    expect(second.original.sequence).toBe(2);
  });

  it("reports a subject that no stream stores", async () => {
    const store = (await incident(nats.connection)).store;
    const letters = await deadLetters(nats.connection, { subject: "nowhere", store });
    await expect(collected(letters.list())).rejects.toThrow("No stream stores `nowhere`");
    await expect(deadLetters(nats.connection, { subject: "a.*", store })).rejects.toThrow(
      "a subject without wildcards",
    );
  });
});
