import type { EventDetail } from "../../server/wire.ts";
import type { EventRef } from "../../trace/trace-event.ts";
import { areEvents, isDetail, isRemoved } from "../state/answers.ts";
import { followFeed, problemIn } from "../state/live-feed.ts";
import type { Removal } from "../state/removal.ts";
import { tokenIn } from "../state/route.ts";
import { drawSoon, link, liveSession, playback } from "./board.ts";

// What the page asks of its server; of a recording that is open, what stands in it.

const TOKEN = "latchkey-token";

/** Takes the token out of the address, where others could read it, and keeps it for this tab. */
export function takeToken(): void {
  const token = tokenIn(location.hash);
  if (token === undefined) return;
  sessionStorage.setItem(TOKEN, token);
  history.replaceState(undefined, "", "#/");
}

export function hasToken(): boolean {
  return sessionStorage.getItem(TOKEN) !== null;
}

function headers(): Record<string, string> {
  const token = sessionStorage.getItem(TOKEN);
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

export function follow(): void {
  void followFeed({
    fetch: (path, options) => fetch(path, options),
    headers: headers(),
    signal: new AbortController().signal,
    pause: paused,
    onMessage(message) {
      liveSession.take(message);
      drawSoon();
    },
    onLink(to) {
      link.value = to;
    },
  });
}

function paused(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** What came of a question: the answer, or why there is none. */
export type Asked<Answer> =
  | { readonly ok: true; readonly value: Answer }
  | { readonly ok: false; readonly message: string };

async function ask<Answer>(
  path: string,
  isAnswer: (value: unknown) => value is Answer,
  options: RequestInit = {},
): Promise<Asked<Answer>> {
  try {
    const response = await fetch(path, { ...options, headers: headers() });
    if (!response.ok) return { ok: false, message: await problemIn(response) };
    const value: unknown = await response.json();
    return isAnswer(value) ? { ok: true, value } : { ok: false, message: "Something else answered than the inspector" };
  } catch {
    return { ok: false, message: "The server cannot be reached" };
  }
}

export async function askDetail(storeKey: string): Promise<Asked<EventDetail>> {
  const recording = playback.peek();
  if (recording === undefined) return ask(`/api/event?${new URLSearchParams({ storeKey }).toString()}`, isDetail);
  const value = recording.detail(storeKey);
  return value === undefined
    ? { ok: false, message: "Nothing has happened to that event so far in the run" }
    : { ok: true, value };
}

export function askIdentity(identity: Omit<EventRef, "storeKey">): Promise<Asked<EventDetail>> {
  return ask(`/api/event?${new URLSearchParams({ ...identity }).toString()}`, isDetail);
}

export async function findEvents(text: string): Promise<Asked<readonly EventRef[]>> {
  const recording = playback.peek();
  if (recording !== undefined) return { ok: true, value: recording.find(text, MOST_FOUND) };
  return ask(`/api/events?${new URLSearchParams({ text }).toString()}`, areEvents);
}

const MOST_FOUND = 20;

export function remove({ storeKey, revision }: Removal): Promise<Asked<unknown>> {
  return ask("/api/remove", isRemoved, { method: "POST", body: JSON.stringify({ storeKey, revision }) });
}

/** Saves what the server has recorded, to be looked at later. */
export async function saveRecording(): Promise<Asked<undefined>> {
  try {
    const response = await fetch("/api/recording", { headers: headers() });
    if (!response.ok) return { ok: false, message: await problemIn(response) };
    const address = URL.createObjectURL(await response.blob());
    const anchor = document.createElement("a");
    anchor.href = address;
    anchor.download = "latchkey-recording.ndjson";
    anchor.click();
    URL.revokeObjectURL(address);
    return { ok: true, value: undefined };
  } catch {
    return { ok: false, message: "The server cannot be reached" };
  }
}
