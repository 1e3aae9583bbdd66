import { linkedSignal } from "../../../internal/abort.ts";
import { backoffMs } from "../../../internal/backoff.ts";
import { isObject } from "../../../internal/is-object.ts";
import type { FeedMessage } from "../../server/wire.ts";
import { isMessage } from "./response-guards.ts";
import { parseVisible } from "./visible-text.ts";

/** State of the page's connection to its server. */
export type Link =
  | { readonly state: "connecting" }
  | { readonly state: "live" }
  /** The server or the network is gone. The page keeps reconnecting. */
  | { readonly state: "lost" }
  /** The server refused the page. The page does not reconnect. */
  | { readonly state: "refused"; readonly message: string };

export interface LiveFeedOptions {
  readonly fetch: (path: string, options: RequestInit) => Promise<Response>;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Resolves after a pause, or when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly onMessage: (message: FeedMessage) => void;
  readonly onLink: (link: Link) => void;
}

const RECONNECT = { firstMs: 250, longestMs: 4_000 };
/** The server sends something at least every 15 s. After this silence, the connection counts as broken. */
const SILENCE_MS = 40_000;

/** Follows a server's feed until the signal aborts or the server refuses. Reconnects from the last message. */
export async function followFeed(options: LiveFeedOptions): Promise<void> {
  const { signal, pause, onLink } = options;
  let failures = 0;
  let lastId: string | undefined;
  onLink({ state: "connecting" });
  const isOver = (): boolean => signal.aborted;
  while (!isOver()) {
    const connection = new AbortController();
    const either = linkedSignal(signal, connection.signal);
    try {
      const response = await options.fetch("api/feed", {
        headers: { ...options.headers, ...(lastId === undefined ? {} : { "last-event-id": lastId }) },
        signal: either.signal,
      });
      if (!response.ok) {
        onLink({ state: "refused", message: await problemIn(response) });
        return;
      }
      onLink({ state: "live" });
      for await (const { id, data } of eventsIn(response, connection, pause)) {
        failures = 0;
        lastId = id;
        const message = parseVisible(data);
        if (!isMessage(message)) throw new TypeError("The response is not from the inspector");
        options.onMessage(message);
      }
    } catch {
      // Any failure leads to a reconnect.
    } finally {
      connection.abort();
      either.unlink();
    }
    if (!isOver()) onLink({ state: "lost" });
    failures += 1;
    await pause(backoffMs(failures, RECONNECT), signal);
  }
}

/** Returns the message of an error response. */
export async function problemIn(response: Response): Promise<string> {
  try {
    const value: unknown = await response.json();
    if (isObject(value) && "message" in value) return String(value["message"]);
  } catch {
    // A proxy may answer with HTML.
  }
  return `The server answered ${response.status}`;
}

interface ServerEvent {
  /** Id to resume from, or `undefined` if the reader cannot resume here. */
  readonly id: string | undefined;
  readonly data: string;
}

async function* eventsIn(
  { body }: Response,
  connection: AbortController,
  pause: LiveFeedOptions["pause"],
): AsyncGenerator<ServerEvent, void> {
  if (body === null) return;
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const received = new AbortController();
    void pause(SILENCE_MS, received.signal).then(() => {
      if (!received.signal.aborted) connection.abort();
    });
    const { done, value } = await reader.read().finally(() => received.abort());
    if (done) return;
    text += decoder.decode(value, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = parseBlock(block);
      if (event !== undefined) yield event;
    }
  }
}

/** Returns `undefined` for a comment, which only keeps the connection alive. */
function parseBlock(block: string): ServerEvent | undefined {
  const fields = new Map(
    block.split("\n").map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]),
  );
  const data = fields.get("data");
  return data === undefined ? undefined : { id: fields.get("id"), data };
}
