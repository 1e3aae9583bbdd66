import { jetstream, jetstreamManager, type StreamConfig } from "@nats-io/jetstream";
import { type NatsConnection, nanos } from "@nats-io/nats-core";
import type { publishOnce as PublishOnce } from "../../src/nats/index.ts";

interface Subject {
  /** Creates a stream that captures `<name>` and `<name>.*`. */
  stream(config?: Partial<StreamConfig>): Promise<string>;
  /** Publishes a message once for an event. */
  publish(stream: string, event: string, options?: Parameters<typeof PublishOnce>[4]): Promise<unknown>;
  stored(stream: string): Promise<number>;
}

/** Promises of `publishOnce` on a real server. Each check returns true if the promise is kept. */
const promises: Readonly<Record<string, (subject: Subject) => Promise<boolean>>> = {
  "events of one stream are independent": async ({ stream, publish, stored }) => {
    const name = await stream();
    for (const event of ["a", "b", "a", "c"]) await publish(name, event, { timeoutMs: 500 });
    return (await stored(name)) === 3;
  },
  "named messages of one event are independent": async ({ stream, publish, stored }) => {
    const name = await stream();
    for (const message of ["first", "second", "first"]) await publish(name, "a", { name: message });
    return (await stored(name)) === 2;
  },
  "a repetition beyond the duplicate window is recognised": async ({ stream, publish, stored }) => {
    const name = await stream({ duplicate_window: nanos(100) });
    await publish(name, "a");
    await new Promise((resolve) => setTimeout(resolve, 300));
    await publish(name, "a");
    return (await stored(name)) === 1;
  },
  "a repetition within the duplicate window is recognised": async ({ stream, publish, stored }) => {
    const name = await stream({ duplicate_window: nanos(60_000) });
    for (const event of ["a", "a", "b"]) await publish(name, event, { withinMs: 60_000 });
    return (await stored(name)) === 2;
  },
  "a stream whose duplicate window is too short is refused": async ({ stream, publish }) => {
    const name = await stream({ duplicate_window: nanos(1_000) });
    return isRefused(publish(name, "a", { withinMs: 60_000 }));
  },
  "a stream that removes acknowledged messages is refused": async ({ stream, publish }) =>
    isRefused(publish(await stream({ retention: "workqueue" }), "a")),
  "a stream that moves messages to other subjects is refused": async ({ stream, publish }) =>
    isRefused(publish(await stream({ subject_transform: { src: ">", dest: "moved.>" } }), "a", { timeoutMs: 500 })),
  "a message that is too large is refused for good": async ({ stream, publish }) =>
    isRefused(publish(await stream({ max_msg_size: 50 }), "a", { timeoutMs: 500 }), "record-too-large"),
};

let streams = 0;

/** Returns the promises that an implementation breaks. */
export async function brokenPromises(publishOnce: typeof PublishOnce, nc: NatsConnection): Promise<readonly string[]> {
  const js = jetstream(nc);
  const jsm = await jetstreamManager(nc);
  const subject: Subject = {
    async stream(config = {}) {
      streams += 1;
      const name = `promise-${streams}`;
      await jsm.streams.add({ name, subjects: [name, `${name}.*`], ...config });
      return name;
    },
    publish: (stream, event, options) =>
      publishOnce(js, stream, event, { idempotencyKey: `trigger.dedup.v1:${event}`, fence: 1 }, options),
    stored: async (stream) => (await jsm.streams.info(stream)).state.messages,
  };
  const broken: string[] = [];
  for (const [name, isKept] of Object.entries(promises)) {
    // A bug may also make a check fail with an error.
    if (!(await isKept(subject).catch(() => false))) broken.push(name);
  }
  return broken;
}

async function isRefused(run: Promise<unknown>, code = "store-misconfigured"): Promise<boolean> {
  return run.then(
    () => false,
    (error: unknown) => error instanceof Error && Reflect.get(error, "code") === code,
  );
}
