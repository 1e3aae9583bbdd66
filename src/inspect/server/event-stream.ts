import { ReadableStream } from "node:stream/web";
import type { Clock } from "../../internal/clock.ts";
import type { Feed } from "./feed.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { answer } from "./responses.ts";

/** What paces a stream: when it looks for something new, by which clock it is idle, and what ends it. */
export interface Pace {
  readonly pulse: Heartbeat;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** After so long without a message, something is sent all the same: so both sides notice that the other has gone. */
const IDLE_MS = 15_000;

/**
 * Sends a feed as server-sent events. The next message is made when the reader has taken the last one, so that a slow reader holds up
 * nothing and nothing piles up for it.
 */
export function eventStream(feed: Feed, pace: Pace): Response {
  return answer(ReadableStream.from(eventsOf(feed, pace)), "text/event-stream");
}

async function* eventsOf(feed: Feed, { pulse, clock, signal }: Pace): AsyncGenerator<Uint8Array, void> {
  const encoder = new TextEncoder();
  let sentAtMs = clock.monotonicMs();
  while (!signal.aborted) {
    const isIdle = clock.monotonicMs() - sentAtMs >= IDLE_MS;
    const text = nextEvent(feed) ?? (isIdle ? ": still here\n\n" : undefined);
    if (text === undefined) {
      await pulse.next();
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
