import { ReadableStream } from "node:stream/web";
import type { Clock } from "../../internal/clock.ts";
import type { Feed } from "./feed.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { respond } from "./responses.ts";

/** Timing of a stream: the heartbeat at which it looks for changes, its clock, and the signal that ends it. */
export interface StreamTiming {
  readonly heartbeat: Heartbeat;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** After this time without a message, a comment is sent, so that both sides notice a broken connection. */
const IDLE_MS = 15_000;

/** Sends a feed as server-sent events. Each message is created when the reader took the previous one, so nothing is buffered. */
export function eventStream(feed: Feed, pace: StreamTiming): Response {
  // nginx would otherwise collect events before it passes them on.
  const headers = { "x-accel-buffering": "no" };
  return respond(ReadableStream.from(eventsOf(feed, pace)), "text/event-stream", { headers });
}

async function* eventsOf(feed: Feed, { heartbeat, clock, signal }: StreamTiming): AsyncGenerator<Uint8Array, void> {
  const encoder = new TextEncoder();
  let sentAtMs = clock.monotonicMs();
  while (!signal.aborted) {
    const isIdle = clock.monotonicMs() - sentAtMs >= IDLE_MS;
    const text = nextEvent(feed) ?? (isIdle ? ": keep-alive\n\n" : undefined);
    if (text === undefined) {
      await heartbeat.next();
      continue;
    }
    sentAtMs = clock.monotonicMs();
    yield encoder.encode(text);
  }
}

function nextEvent(feed: Feed): string | undefined {
  const message = feed.next();
  if (message === undefined) return undefined;
  const id = feed.id === undefined ? "" : `id: ${feed.id}\n`;
  return `${id}data: ${JSON.stringify(message)}\n\n`;
}
