import type { RedriveResult } from "../../../model/dead-letter.ts";
import { formatKeyQuery, type KeyQuery } from "../../server/key-query.ts";
import type {
  EventDetail,
  KeyPage,
  KeyRow,
  LetterList,
  MatchingKey,
  SearchResult,
  SourceInfo,
} from "../../server/wire.ts";
import type { KeyedIdentity } from "../../trace/trace-event.ts";
import type { RemovableKey, RemovalCounts } from "../state/clear-action.ts";
import { followFeed, problemIn } from "../state/live-feed.ts";
import type { RequestResult } from "../state/request-result.ts";
import {
  areMatchingKeys,
  areRows,
  isDetail,
  isKeyPage,
  isLetterChange,
  isLetterList,
  isRemovalCounts,
  isSearchResult,
} from "../state/response-guards.ts";
import { tokenIn } from "../state/route.ts";
import { parseVisible } from "../state/visible-text.ts";
import { link, liveSession, playback, renderSoon } from "./page-state.ts";

// Requests to the page's server. Requests about an open recording are answered from the recording.

/** Inspectors at several paths of one origin share its storage. */
const TOKEN = `latchkey-token ${location.pathname}`;

/** Moves the token from the address, where others could read it, to this tab's storage. */
export function takeToken(): void {
  const token = tokenIn(location.hash);
  if (token === undefined) return;
  sessionStorage.setItem(TOKEN, token);
  history.replaceState(undefined, "", "#/");
}

/** Returns true if the server accepts changes from this tab. */
export function mayChange(source: SourceInfo | undefined): boolean {
  return source?.canChange === true && (!source.needsToken || sessionStorage.getItem(TOKEN) !== null);
}

function headers(): Record<string, string> {
  const token = sessionStorage.getItem(TOKEN);
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

/** A hidden tab releases its stream after this time: browsers open only six connections to one host. */
const HIDDEN_MS = 5_000;

/** Follows the feed while the tab is visible. */
export function followFeedWhileVisible(): void {
  let feed: AbortController | undefined;
  let hiding: ReturnType<typeof setTimeout> | undefined;
  const update = (): void => {
    clearTimeout(hiding);
    if (document.visibilityState === "hidden") {
      hiding = setTimeout(() => {
        feed?.abort();
        feed = undefined;
      }, HIDDEN_MS);
    } else if (feed === undefined) {
      feed = new AbortController();
      followUntil(feed.signal);
    }
  };
  document.addEventListener("visibilitychange", update);
  update();
}

function followUntil(signal: AbortSignal): void {
  void followFeed({
    fetch: (path, options) => fetch(path, options),
    headers: headers(),
    signal,
    pause: pauseFor,
    onMessage(message) {
      liveSession.take(message);
      renderSoon();
    },
    onLink(to) {
      link.value = to;
    },
  });
}

function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Sends a request, and reads a successful response. */
async function send<Value>(
  path: string,
  read: (response: Response) => Promise<RequestResult<Value>>,
  options: RequestInit = {},
): Promise<RequestResult<Value>> {
  try {
    const response = await fetch(path, { ...options, headers: headers() });
    return response.ok ? await read(response) : { ok: false, message: await problemIn(response) };
  } catch {
    return { ok: false, message: "The server cannot be reached" };
  }
}

function request<Value>(
  path: string,
  isExpected: (value: unknown) => value is Value,
  options?: RequestInit,
): Promise<RequestResult<Value>> {
  const read = async (response: Response): Promise<RequestResult<Value>> => {
    const value = parseVisible(await response.text());
    return isExpected(value) ? { ok: true, value } : { ok: false, message: "The response is not from the inspector" };
  };
  return send(path, read, options);
}

export async function requestDetail(storeKey: string): Promise<RequestResult<EventDetail>> {
  const recording = playback.peek();
  if (recording === undefined) return request(`api/event?${new URLSearchParams({ storeKey }).toString()}`, isDetail);
  const value = recording.detail(storeKey);
  return value === undefined
    ? { ok: false, message: "The run contains no event with this key up to here" }
    : { ok: true, value };
}

export function requestIdentity(identity: Omit<KeyedIdentity, "storeKey">): Promise<RequestResult<EventDetail>> {
  return request(`api/event?${new URLSearchParams({ ...identity }).toString()}`, isDetail);
}

export async function findEvents(text: string): Promise<RequestResult<SearchResult>> {
  const recording = playback.peek();
  if (recording !== undefined) return { ok: true, value: recording.find(text, SEARCH_LIMIT) };
  return request(`api/events?${new URLSearchParams({ text }).toString()}`, isSearchResult);
}

const SEARCH_LIMIT = 20;

export function requestKeys(query: KeyQuery): Promise<RequestResult<KeyPage>> {
  return request(`api/keys?${formatKeyQuery(query)}`, isKeyPage);
}

/** Requests the keys of the same event in other subscriptions and workspaces. A recording contains them in its trace. */
export async function requestRelated(storeKey: string): Promise<RequestResult<readonly KeyRow[]>> {
  if (playback.peek() !== undefined) return { ok: true, value: [] };
  return request(`api/related?${new URLSearchParams({ storeKey }).toString()}`, areRows);
}

/** Removes keys at the revisions that the page has seen. */
export function requestRemoval(keys: readonly RemovableKey[]): Promise<RequestResult<RemovalCounts>> {
  const search = new URLSearchParams(keys.map(({ storeKey, revision }) => ["key", `${storeKey}:${revision}`]));
  return request(`api/remove?${search.toString()}`, isRemovalCounts, { method: "POST" });
}

/** Requests all keys that match, whatever their page. */
export function requestMatching(query: KeyQuery): Promise<RequestResult<readonly MatchingKey[]>> {
  return request(`api/keys/matching?${formatKeyQuery(query)}`, areMatchingKeys);
}

export function requestLetters(): Promise<RequestResult<LetterList>> {
  return request("api/dead", isLetterList);
}

export function requestRedrive(sequence: number): Promise<RequestResult<RedriveResult>> {
  return request(`api/dead/redrive?sequence=${sequence}`, isLetterChange, { method: "POST" });
}

export function requestDrop(sequence: number): Promise<RequestResult<RedriveResult>> {
  return request(`api/dead/drop?sequence=${sequence}`, isLetterChange, { method: "POST" });
}

/** Downloads the server's recording. */
export function saveRecording(): Promise<RequestResult<undefined>> {
  return send("api/recording", async (response) => {
    const address = URL.createObjectURL(await response.blob());
    const anchor = document.createElement("a");
    anchor.href = address;
    anchor.download = "latchkey-recording.ndjson";
    anchor.click();
    URL.revokeObjectURL(address);
    return { ok: true, value: undefined };
  });
}
