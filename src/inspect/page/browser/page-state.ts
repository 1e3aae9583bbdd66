import { signal } from "@preact/signals";
import type { Link } from "../state/live-feed.ts";
import type { Playback } from "../state/playback.ts";
import { type Route, routeOf } from "../state/route.ts";
import { Session } from "../state/session.ts";

// The state from which the whole page is rendered.

/** The opened recording, or `undefined` for the live feed. */
export const playback = signal<Playback | undefined>(undefined);

export const link = signal<Link>({ state: "connecting" });

export const route = signal<Route>(routeOf(""));

/** Message for people and screen readers about what was done or what failed. */
export const toast = signal<{ readonly text: string; readonly isError: boolean } | undefined>(undefined);

/** Current time by the clock of the live feed or recording. It advances between messages. */
export const nowMs = signal(0);

/** Number of renders, at most one a frame. */
export const renders = signal(0);

const live = new Session();
let recorded = new Session();

/** Returns the live or recorded session, and subscribes the component to its changes. */
export function session(): Session {
  return renders.value >= 0 && playback.value === undefined ? live : recorded;
}

export const liveSession = live;

/** Time of the latest message by the page's own clock. */
let receivedAtMs = 0;
let frame = 0;

/** Renders once in the next frame, however many messages arrive before. */
export function renderSoon(): void {
  receivedAtMs = performance.now();
  if (frame === 0) frame = requestAnimationFrame(renderNow);
}

function renderNow(): void {
  frame = 0;
  tick();
  renders.value += 1;
}

/** Advances the clock. */
export function tick(): void {
  const { nowMs: messageMs } = playback.peek() === undefined ? live : recorded;
  nowMs.value =
    playback.peek() === undefined && messageMs > 0 ? messageMs + (performance.now() - receivedAtMs) : messageMs;
}

/** Shows a recording up to `position`. */
export function seek(to: Playback, position: number): void {
  recorded = new Session();
  for (const message of to.seek(position)) recorded.take(message);
  playback.value = to;
  renderNow();
}

export function closeRecording(): void {
  playback.value = undefined;
  recorded = new Session();
  renderNow();
}
