import { LiveInspector } from "../../../src/inspect/server/live-inspector.ts";
import { type InspectorOptions, resolveInspectorOptions } from "../../../src/inspect/server/options.ts";
import { toPageFile } from "../../../src/inspect/server/page-file.ts";
import type { FeedMessage } from "../../../src/inspect/server/wire.ts";
import { isObject } from "../../cli/support/fake-io.ts";
import { type Replica, type World, watched, world } from "../../support/replicas.ts";

export const HOST = "127.0.0.1:8080";
export const TOKEN = "a-token-of-26-characters--";
export const authorization = `Bearer ${TOKEN}`;
/** Headers that the inspector's own page sends with a change. */
export const own = { origin: `http://${HOST}`, authorization, "sec-fetch-site": "same-origin" };

const HTML = "<!doctype html><style>p{color:red}</style><p>page</p><script>run()</script>";

/** An inspector without a socket, of one replica in a simulated world. */
export interface Inspected extends AsyncDisposable {
  readonly world: World;
  readonly replica: Replica;
  readonly inspector: LiveInspector;
  /** Sends a request like the inspector's own page, unless the headers differ. */
  ask(path: string, init?: RequestInit & { readonly host?: string }): Promise<Response>;
  /** Opens the feed. */
  feed(headers?: Readonly<Record<string, string>>): Promise<FeedReader>;
}

/** Creates an inspector. It watches the store in the options, if there is one; otherwise a deduplicator is attached. */
export function inspected(options: Partial<InspectorOptions> = {}, its: World = world()): Inspected {
  const replica = its.replica("web-1");
  const shown = options.store === undefined ? { dedup: replica.dedup } : {};
  const all = { ...shown, clock: its.clock, token: TOKEN, ...options };
  const resolved = resolveInspectorOptions(all);
  const inspector = new LiveInspector(resolved.inspected, resolved.access, toPageFile(HTML));
  const ask: Inspected["ask"] = (path, { host = HOST, ...init } = {}) =>
    inspector.handler(new Request(`http://${host}${path}`, init));
  return {
    world: its,
    replica,
    inspector,
    ask,
    feed: async (headers = {}) => new FeedReader(await ask("/api/feed", { headers }), its),
    [Symbol.asyncDispose]: async () => {
      const closed = inspector.close();
      await its.pass(1_000);
      await closed;
    },
  };
}

/** A parsed server-sent event. */
export interface Sent {
  readonly id: string | undefined;
  readonly message: FeedMessage | undefined;
  readonly text: string;
}

/** Reads server-sent events, and advances the clock until one arrives. */
export class FeedReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #world: World;

  constructor({ body }: Response, its: World) {
    if (body === null) throw new Error("The feed has no body");
    this.#reader = body.getReader();
    this.#world = its;
  }

  /** Returns the next event, or `undefined` at the end of the feed. */
  async next(): Promise<Sent | undefined> {
    const read = this.#reader.read();
    const { state } = watched(read);
    for (let passed = 0; state() === "waiting" && passed < 40; passed += 1) await this.#world.pass(500);
    const { done, value } = await read;
    return done ? undefined : sentIn(new TextDecoder().decode(value));
  }

  /** Returns the messages of one complete update. */
  async all(): Promise<readonly FeedMessage[]> {
    const messages: FeedMessage[] = [];
    for (;;) {
      const message = (await this.next())?.message;
      if (message === undefined) return messages;
      messages.push(message);
      if (message.type === "update" && !message.more) return messages;
    }
  }

  cancel(): Promise<void> {
    return this.#reader.cancel();
  }
}

function sentIn(text: string): Sent {
  const [, id] = /^id: (.*)$/m.exec(text) ?? [];
  const [, data] = /^data: (.*)$/m.exec(text) ?? [];
  const message: unknown = data === undefined ? undefined : JSON.parse(data);
  return { id, message: isMessage(message) ? message : undefined, text };
}

function isMessage(value: unknown): value is FeedMessage {
  return isObject(value) && (value["type"] === "begin" || value["type"] === "update");
}
