import { describe, expect, it } from "vitest";
import type { ConsumeOptions } from "../../../src/nats/index.ts";
import { collected } from "../../support/collected.ts";
import type { EventStream } from "../../support/event-stream.ts";
import { eventually } from "../../support/eventually.ts";
import { answered, incident, type LetterIncident } from "../../support/letter-incident.ts";
import { connected } from "../../support/nats-bucket.ts";
import { interrupted, type LastRequest } from "../../support/nats-interrupted.ts";
import { useNatsServer } from "../../support/use-nats-server.ts";

const nats = useNatsServer();

/** Publishes an event whose only identity is its message id. */
async function publishWithId(stream: EventStream, id: string, body: string): Promise<void> {
  await stream.jetstream.publish(stream.subject, body, { msgID: id });
}

const LAST_REQUESTS: readonly LastRequest[] = ["sent", "not sent"];
/** More requests than opening the store and a redrive send. */
const MAX_REQUESTS = 16;

interface Kind {
  readonly name: string;
  readonly options: Partial<ConsumeOptions>;
  /** Publishes the message that becomes a letter. */
  readonly fail: (at: LetterIncident) => Promise<void>;
  /** Effects before the redrive. */
  readonly before: readonly string[];
}

const fingerprint = (message: { string(): string }): string => message.string();

const kinds: readonly Kind[] = [
  {
    name: "a CloudEvent that failed",
    options: {},
    before: [],
    async fail({ stream }) {
      await stream.publish("e-1", "payload");
    },
  },
  {
    name: "a message that failed within its duplicate window",
    options: {},
    before: [],
    async fail({ stream }) {
      await publishWithId(stream, "m-1", "payload");
    },
  },
  {
    name: "a second payload under a committed id",
    options: { fingerprint },
    before: ["first"],
    async fail(at) {
      at.repair();
      await at.stream.publish("e-1", "first");
      await answered(at.stream);
      await at.stream.publish("e-1", "payload");
    },
  },
];

describe("a redrive", () => {
  it.each(kinds)("G2 G3 dispatches $name once", async ({ options, fail, before }) => {
    await using at = await incident(nats.connection);
    await at.work(options);
    await fail(at);
    const letter = await eventually("the letter", async () => (await collected(at.letters.list()))[0]);
    at.repair();
    expect(await at.letters.redrive(letter.sequence)).toMatchObject({ result: "redriven", stream: at.stream.name });
    await eventually("the dispatch", () => (at.effects.length > before.length ? true : undefined));
    await answered(at.stream);
    expect(at.effects).toEqual([...before, "payload"]);
    expect(await collected(at.letters.list())).toEqual([]);
    expect(await at.letters.redrive(letter.sequence)).toEqual({ result: "gone" });
  });

  it.each(
    kinds.flatMap((kind) =>
      LAST_REQUESTS.flatMap((last) => [true, false].map((consumesAtOnce) => ({ ...kind, last, consumesAtOnce }))),
    ),
  )(
    "G2 G3 loses and repeats nothing of $name, whichever request kills it (last request $last, consumed at once: $consumesAtOnce)",
    async ({ options, fail, before, last, consumesAtOnce }) => {
      const runs = Array.from({ length: MAX_REQUESTS }, async (_, index) => {
        await using at = await incident(nats.connection);
        const first = await at.work(options);
        await fail(at);
        const { sequence } = await eventually("the letter", async () => (await collected(at.letters.list()))[0]);
        await answered(at.stream);
        if (!consumesAtOnce) await first[Symbol.asyncDispose]();
        at.repair();
        const hasFailed = await killedAt(at, sequence, index + 1, last);
        if (consumesAtOnce) await answered(at.stream);
        const result = await at.letters.redrive(sequence);
        if (!consumesAtOnce) await at.work(options);
        await answered(at.stream);
        return { at: index + 1, hasFailed, result, effects: at.effects, left: await collected(at.letters.list()) };
      });
      const results = await Promise.all(runs);
      for (const { effects, left, result, ...run } of results) {
        expect({ ...run, effects }).toEqual({ ...run, effects: [...before, "payload"] });
        // A letter stays only if its event was dispatched between the kill and the repetition.
        const isLeft = result.result === "left" && result.why === "dispatched" && consumesAtOnce;
        expect({ ...run, result, left: left.length }).toEqual({ ...run, result, left: isLeft ? 1 : 0 });
      }
      expect(results.filter(({ hasFailed }) => hasFailed).length).toBeGreaterThan(4);
      expect(results.at(-1)?.hasFailed).toBe(false);
    },
  );
});

/** Redrives a letter in a process that is killed at its `failAt`-th request. Returns false if it ended before. */
async function killedAt(at: LetterIncident, sequence: number, failAt: number, last: LastRequest): Promise<boolean> {
  const own = await connected(nats.server);
  const failing = interrupted(own, failAt, last);
  try {
    await (await at.through(failing.connection)).redrive(sequence);
  } catch (error) {
    if (!failing.hasFailed()) throw error;
  } finally {
    await own.close();
  }
  return failing.hasFailed();
}
