import { signal } from "@preact/signals";
import type { Link } from "../state/live-feed.ts";
import type { Playback } from "../state/playback.ts";
import { type Route, routeOf } from "../state/route.ts";
import { Session } from "../state/session.ts";

// What all of the page is drawn from.

/** What is looked at: the live feed, or a recording that was opened. */
export const playback = signal<Playback | undefined>(undefined);

export const link = signal<Link>({ state: "connecting" });

export const route = signal<Route>(routeOf(""));

/** Tells, for people and screen readers, what was done or went wrong. */
export const notice = signal<{ readonly text: string; readonly isError: boolean } | undefined>(undefined);

/** The time by the clock of what is looked at; goes on between its messages. */
export const nowMs = signal(0);

/** Rises when there is something new to draw, at most once a frame. */
export const drawn = signal(0);

const live = new Session();
let recorded = new Session();

/** What is looked at. A component that reads it is drawn anew when it changes. */
export function session(): Session {
  return drawn.value >= 0 && playback.value === undefined ? live : recorded;
}

export const liveSession = live;

/** The latest message was taken when the page's own clock said this. */
let takenAtMs = 0;
let frame = 0;

/** Draws what is new with the next frame, however many messages come before. */
export function drawSoon(): void {
  takenAtMs = performance.now();
  if (frame === 0) frame = requestAnimationFrame(draw);
}

function draw(): void {
  frame = 0;
  tick();
  drawn.value += 1;
}

/** Lets the clock go on. */
export function tick(): void {
  const { nowMs: toldMs } = playback.peek() === undefined ? live : recorded;
  nowMs.value = playback.peek() === undefined && toldMs > 0 ? toldMs + (performance.now() - takenAtMs) : toldMs;
}

/** Shows a recording as far as `position`. */
export function seek(to: Playback, position: number): void {
  recorded = new Session();
  for (const message of to.seek(position)) recorded.take(message);
  playback.value = to;
  draw();
}

export function closeRecording(): void {
  playback.value = undefined;
  recorded = new Session();
  draw();
}
