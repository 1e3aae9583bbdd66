import type { Clock } from "../../internal/clock.ts";
import type { DeadLetters } from "../../model/dead-letter.ts";
import type { DispatchFailure } from "../../model/failure.ts";
import { parseStoreKey, resolveIdentity } from "../../model/identity.ts";
import { fenceOf } from "../../model/record.ts";
import type { Entry } from "../../model/store.ts";
import type { FailureFacts } from "../conclusions/verdict.ts";
import type { KeyedIdentity, TraceEvent } from "../trace/trace-event.ts";
import { formatTrace } from "../trace/trace-text.ts";
import type { AuthGuard } from "./auth-guard.ts";
import { deadLetterRoutes, type RouteHandler } from "./dead-letter-routes.ts";
import { eventStream } from "./event-stream.ts";
import { failedDispatches } from "./failed-dispatches.ts";
import { Feed, type Recording } from "./feed.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { KeyAdmin } from "./key-admin.ts";
import { KeyCatalog } from "./key-catalog.ts";
import { parseKeyQuery } from "./key-query.ts";
import { KnownEvents } from "./known-events.ts";
import { type PageFile, pageResponse } from "./page-file.ts";
import type { Redaction } from "./redaction.ts";
import { errorResponse, respond, respondJson } from "./responses.ts";
import { storeErrorResponse, storeErrorText } from "./store-error.ts";
import type { EventDetail, FoundEvent, SearchResult, ShownRecord } from "./wire.ts";

/** Everything that the handler needs to answer requests. */
export interface HandlerContext {
  readonly recording: Recording;
  readonly keyAdmin: KeyAdmin;
  readonly authGuard: AuthGuard;
  readonly page: PageFile | Promise<PageFile>;
  readonly heartbeat: Heartbeat;
  readonly clock: Clock;
  /** Aborts when the server closes. */
  readonly signal: AbortSignal;
  /** Path under which the inspector is mounted, without a slash at its end. */
  readonly basePath: string;
  readonly deadLetters: DeadLetters | undefined;
  /** Called before the page clears a key, so that the store watch does not report the removal too. */
  willRemove(storeKey: string): void;
}

/** Answers a request and never throws. */
export type RequestHandler = (request: Request) => Promise<Response>;

const SEARCH_LIMIT = 20;

export function requestHandler(context: HandlerContext): RequestHandler {
  const { recording, keyAdmin, authGuard, page, basePath } = context;
  const { recorder, redaction, source } = recording;
  const known = new KnownEvents(recorder);
  const catalog = new KeyCatalog({
    list: () => keyAdmin.list(),
    failures: () => failedDispatches(keyAdmin, recorder.trace),
    redaction,
    clock: context.clock,
  });

  const routes: Readonly<Record<string, RouteHandler>> = {
    "GET /": async (request) => pageResponse(await page, request),
    "GET /api/feed": (request) =>
      eventStream(new Feed(recording, request.headers.get("last-event-id") ?? undefined), context),
    "GET /api/event": (_, { searchParams }) => detail(searchParams),
    "GET /api/events": async (_, { searchParams }) => respondJson(await search(searchParams.get("text") ?? "")),
    "GET /api/keys": async (_, { searchParams }) => respondJson(await catalog.query(parseKeyQuery(searchParams))),
    "GET /api/keys/matching": async (_, { searchParams }) =>
      respondJson(await catalog.matching(parseKeyQuery(searchParams))),
    "GET /api/related": (_, { searchParams }) => related(searchParams),
    "GET /api/recording": () => {
      const trace = [...recorder.trace.after(0)].map((event) => redaction.event(event));
      return respond(formatTrace(trace), "application/x-ndjson");
    },
    "POST /api/remove": change((_, { searchParams }) => remove(searchParams)),
    ...deadLetterRoutes(context.deadLetters, redaction, change),
  };
  const methods = methodsByPath(Object.keys(routes));

  /** Wraps a route that changes something. */
  function change(route: RouteHandler): RouteHandler {
    return (request, url) => {
      const refusal = authGuard.refuseToChange(request);
      if (refusal !== undefined) return refusal;
      if (!source.canChange) return errorResponse("read-only", "This inspector is read-only");
      return route(request, url);
    };
  }

  /** Returns the event that a request names: by its key, which the store may have to resolve, or by its identity. */
  async function requested(params: URLSearchParams): Promise<KeyedIdentity | undefined> {
    const storeKey = params.get("storeKey");
    if (storeKey !== null) return known.get(storeKey) ?? (await find(storeKey));
    const [workspaceId, subscriptionId, eventId] = ["workspaceId", "subscriptionId", "eventId"].map((name) =>
      params.get(name),
    );
    if (!subscriptionId || !eventId) return undefined;
    const identity = resolveIdentity({ ...(workspaceId ? { workspaceId } : {}), subscriptionId, eventId });
    known.add(identity);
    return identity;
  }

  async function find(storeKey: string): Promise<KeyedIdentity | undefined> {
    if (!isStoreKey(storeKey)) return undefined;
    const entry = await keyAdmin.find(storeKey);
    const ids = entry?.record ?? (await keyAdmin.failure(storeKey));
    if (ids === undefined) return undefined;
    const { workspaceId, subscriptionId, eventId } = ids;
    const identity = { storeKey, workspaceId, subscriptionId, eventId };
    known.add(identity);
    return identity;
  }

  /** Searches the store, then the recording, which also contains events whose keys are empty. */
  async function search(text: string): Promise<SearchResult> {
    const found = new Map<string, FoundEvent>();
    let incomplete = "";
    try {
      for (const { identity, state } of await catalog.search(text, SEARCH_LIMIT)) {
        found.set(identity.storeKey, { identity, state });
      }
    } catch (error) {
      incomplete = storeErrorText(error, redaction) ?? "The store could not be searched";
    }
    const part = text.toLowerCase();
    const matches = (identity: KeyedIdentity): boolean =>
      redaction.identity(identity).eventId.toLowerCase().includes(part);
    for (const identity of known.search(matches, SEARCH_LIMIT)) {
      if (found.size >= SEARCH_LIMIT) break;
      const { storeKey } = identity;
      if (!found.has(storeKey)) found.set(storeKey, { identity: redaction.identity(identity), state: "none" });
    }
    return { events: [...found.values()], incomplete };
  }

  async function related(params: URLSearchParams): Promise<Response> {
    const identity = await requested(params);
    return respondJson(identity === undefined ? [] : await catalog.related(redaction.identity(identity)));
  }

  async function detail(params: URLSearchParams): Promise<Response> {
    const identity = await requested(params);
    if (identity === undefined) return errorResponse("not-found", "The inspector does not know this event");
    const entry = await keyAdmin.get(identity);
    const failure = entry === undefined ? await keyAdmin.failure(identity.storeKey) : undefined;
    const shown: EventDetail = {
      identity: redaction.identity(identity),
      record: entry === undefined ? null : shownRecord(entry),
      ...(failure === undefined ? {} : { failure: shownFailure(failure, redaction) }),
      trace: recorder.trace.of(identity.storeKey).map((event) => redaction.event(event)),
    };
    return respondJson(shown);
  }

  /** Removes keys at the revisions that the page has seen. Those that have changed since stay. */
  async function remove(params: URLSearchParams): Promise<Response> {
    const orders = params.getAll("key").map(removalOrder);
    if (orders.length === 0 || !orders.every((order) => order !== undefined)) {
      return errorResponse("wrong-request", "Expected `key` to be a store key, a colon and a revision");
    }
    const found = await Promise.all(orders.map(({ storeKey }) => entryOf(storeKey)));
    const entries = found.flatMap((entry, index) =>
      entry !== undefined && entry.revision === orders[index]?.revision ? [entry] : [],
    );
    for (const { key } of entries) context.willRemove(key);
    const removed = await keyAdmin.remove(entries);
    catalog.invalidate();
    for (const entry of removed) recorder.record(clearedEvent(entry, recording.nowMs()));
    return respondJson({ removed: removed.length, changed: orders.length - removed.length });
  }

  async function entryOf(storeKey: string): Promise<Entry | undefined> {
    const identity = catalog.identityOf(storeKey) ?? known.get(storeKey) ?? (await find(storeKey));
    return identity === undefined ? undefined : keyAdmin.get(identity);
  }

  async function answer(request: Request, url: URL, path: string): Promise<Response> {
    const refusal = await authGuard.refuse(request, path === "/");
    if (refusal !== undefined) return refusal;
    const allowed = methods.get(path);
    if (allowed === undefined) return errorResponse("not-found", "This address does not exist");
    const headers = { allow: allowed.join(", ") };
    if (request.method === "OPTIONS") return respond(null, undefined, { status: 204, headers });
    const route = routes[`${request.method === "HEAD" ? "GET" : request.method} ${path}`];
    if (route === undefined) return errorResponse("wrong-method", "This address does not support the method", headers);
    const hidden = path === "/" ? undefined : authGuard.refuseToShow(request);
    return hidden ?? route(request, url);
  }

  return async (request) => {
    const url = new URL(request.url);
    const path = pathWithin(url.pathname, basePath);
    if (path === "") return redirectIntoBase(basePath);
    try {
      const response = await answer(request, url, path ?? url.pathname);
      return request.method === "HEAD" ? await withoutBody(response) : response;
    } catch (error) {
      return storeErrorResponse(error, redaction);
    }
  };
}

/** Returns the path below the base path; empty for the base path without a slash at its end. */
function pathWithin(path: string, basePath: string): string | undefined {
  return path.startsWith(basePath) && /^(\/|$)/.test(path.slice(basePath.length))
    ? path.slice(basePath.length)
    : undefined;
}

/** The page's own addresses are relative, and a proxy may have removed a prefix, so the redirect is relative too. */
function redirectIntoBase(basePath: string): Response {
  const location = `${basePath.slice(basePath.lastIndexOf("/") + 1)}/`;
  return respond(null, undefined, { status: 308, headers: { location } });
}

async function withoutBody(response: Response): Promise<Response> {
  await response.body?.cancel();
  return new Response(null, { status: response.status, headers: response.headers });
}

/** Returns the methods of each path, for the header `Allow`. */
function methodsByPath(names: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const methods = new Map<string, readonly string[]>();
  for (const name of names) {
    const [method = "", path = ""] = name.split(" ");
    methods.set(path, [...(methods.get(path) ?? ["OPTIONS"]), ...(method === "GET" ? ["GET", "HEAD"] : [method])]);
  }
  return methods;
}

function removalOrder(text: string): { readonly storeKey: string; readonly revision: number } | undefined {
  const [, storeKey = "", revision = ""] = /^([\w.-]+):(\d{1,16})$/.exec(text) ?? [];
  return storeKey === "" ? undefined : { storeKey, revision: Number(revision) };
}

/** Leaves out the ids, which the identity contains as redacted. */
function shownFailure({ owner, attempt, atMs, error }: DispatchFailure, redaction: Redaction): FailureFacts {
  return { owner, attempt, atMs, error: redaction.cause(error) };
}

function shownRecord({ record, revision }: Entry): ShownRecord {
  const { state, owner, attempt, leaseMs, atMs, tookOverFrom } = record;
  const heldMs = record.state === "reserved" ? (record.heldMs ?? 0) : 0;
  const hasResult = record.state === "committed" && record.result !== undefined;
  const takeover = tookOverFrom === undefined ? {} : { tookOverFrom };
  const fence = fenceOf(record, revision);
  return { state, owner, attempt, fence, revision, leaseMs, atMs, heldMs, hasResult, ...takeover };
}

function clearedEvent({ key, record, revision }: Entry, atMs: number): TraceEvent {
  const { workspaceId, subscriptionId, eventId } = record;
  return {
    type: "cleared",
    identity: { storeKey: key, workspaceId, subscriptionId, eventId },
    atMs,
    replica: "inspector",
    owner: record.owner,
    attempt: record.attempt,
    fence: fenceOf(record, revision),
    revision,
    durationMs: 0,
    forMs: 0,
    cause: `the key was ${record.state}`,
  };
}

function isStoreKey(value: string): boolean {
  try {
    parseStoreKey(value);
    return true;
  } catch {
    return false;
  }
}
