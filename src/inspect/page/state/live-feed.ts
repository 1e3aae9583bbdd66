import type { Message } from "../../server/wire.ts";
import { isMessage } from "./answers.ts";

/** How the page stands with its server. */
export type Link =
  | { readonly state: "connecting" }
  | { readonly state: "live" }
  /** The server is gone, or the network: it is asked again and again. */
  | { readonly state: "lost" }
  /** The server has answered that it won't: nothing is asked again. */
  | { readonly state: "refused"; readonly message: string };

export interface LiveFeedOptions {
  readonly fetch: (path: string, options: RequestInit) => Promise<Response>;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Resolves after a while, or when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly onMessage: (message: Message) => void;
  readonly onLink: (link: Link) => void;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 4_000;
/** The server says something every 15 s: so long a silence is the end. */
const SILENCE_MS = 40_000;

/** Follows the feed of a server until the signal aborts or the server refuses; after an interruption from where it was. */
export async function followFeed(options: LiveFeedOptions): Promise<void> {
  const { signal, pause, onLink } = options;
  let pauseMs = FIRST_PAUSE_MS;
  let lastId: string | undefined;
  onLink({ state: "connecting" });
  const isOver = (): boolean => signal.aborted;
  while (!isOver()) {
    const attempt = new AbortController();
    try {
      const response = await options.fetch("/api/feed", {
        headers: { ...options.headers, ...(lastId === undefined ? {} : { "last-event-id": lastId }) },
        signal: AbortSignal.any([signal, attempt.signal]),
      });
      if (!response.ok) {
        onLink({ state: "refused", message: await problemIn(response) });
        return;
      }
      onLink({ state: "live" });
      for await (const { id, data } of eventsIn(response, attempt, pause)) {
        pauseMs = FIRST_PAUSE_MS;
        lastId = id;
        const message: unknown = JSON.parse(data);
        if (!isMessage(message)) throw new TypeError("Something else answered than the inspector");
        options.onMessage(message);
      }
    } catch {
      // Whatever went wrong between here and there, it is tried again.
    } finally {
      attempt.abort();
    }
    if (!isOver()) onLink({ state: "lost" });
    await pause(pauseMs, signal);
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
  }
}

/** What a server says is wrong. */
export async function problemIn(response: Response): Promise<string> {
  try {
    const value: unknown = await response.json();
    if (typeof value === "object" && value !== null && "message" in value) return String(value.message);
  } catch {
    // Something else answered in its place.
  }
  return `The server answered ${response.status}`;
}

interface ServerEvent {
  /** `undefined` where the reader could not go on from. */
  readonly id: string | undefined;
  readonly data: string;
}

async function* eventsIn(
  { body }: Response,
  attempt: AbortController,
  pause: LiveFeedOptions["pause"],
): AsyncGenerator<ServerEvent, void> {
  if (body === null) return;
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const heard = new AbortController();
    void pause(SILENCE_MS, heard.signal).then(() => {
      if (!heard.signal.aborted) attempt.abort();
    });
    const { done, value } = await reader.read().finally(() => heard.abort());
    if (done) return;
    text += decoder.decode(value, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = eventOf(block);
      if (event !== undefined) yield event;
    }
  }
}

/** `undefined` for a comment, which only says that the server is still there. */
function eventOf(block: string): ServerEvent | undefined {
  const fields = new Map(
    block.split("\n").map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]),
  );
  const data = fields.get("data");
  return data === undefined ? undefined : { id: fields.get("id"), data };
}
