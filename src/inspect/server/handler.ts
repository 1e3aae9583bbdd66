import { hasCode } from "../../errors.ts";
import type { Clock } from "../../internal/clock.ts";
import { isObject } from "../../internal/is-object.ts";
import { parseStoreKey, resolveIdentity } from "../../model/identity.ts";
import { fenceOf } from "../../model/record.ts";
import type { Entry } from "../../model/store.ts";
import type { EventRef, TraceEvent } from "../trace/trace-event.ts";
import { formatTrace } from "../trace/trace-text.ts";
import type { AuthGuard } from "./auth-guard.ts";
import { eventStream } from "./event-stream.ts";
import { Feed, type Recording } from "./feed.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { KeyAdmin } from "./key-admin.ts";
import { KeyCatalog } from "./key-catalog.ts";
import { parseKeyQuery } from "./key-query.ts";
import { KnownEvents } from "./known-events.ts";
import { type Page, pageResponse } from "./page-file.ts";
import type { Redaction } from "./redaction.ts";
import { problem, respond, respondJson } from "./responses.ts";
import type { EventDetail, FoundEvent, SearchResult, ShownRecord } from "./wire.ts";

/** Everything that the handler needs to answer requests. */
export interface HandlerContext {
  readonly recording: Recording;
  readonly keyAdmin: KeyAdmin;
  readonly authGuard: AuthGuard;
  readonly page: Page;
  readonly heartbeat: Heartbeat;
  readonly clock: Clock;
  /** Aborts when the server closes. */
  readonly signal: AbortSignal;
  /** Called before a key is removed by hand, so that the store watch does not report the removal too. */
  willRemove(storeKey: string): void;
}

/** Answers a request and never throws. */
export type RequestHandler = (request: Request) => Promise<Response>;

const SEARCH_LIMIT = 20;

export function inspectorHandler(context: HandlerContext): RequestHandler {
  const { recording, keyAdmin, authGuard, page } = context;
  const { recorder, redaction, source } = recording;
  const known = new KnownEvents(recorder);
  const catalog = new KeyCatalog({ list: () => keyAdmin.list(), redaction, clock: context.clock });

  const routes: Readonly<Record<string, (request: Request, url: URL) => Response | Promise<Response>>> = {
    "GET /": (request) => pageResponse(page, request),
    "GET /api/feed": (request) =>
      eventStream(new Feed(recording, request.headers.get("last-event-id") ?? undefined), context),
    "GET /api/event": (_, { searchParams }) => detail(searchParams),
    "GET /api/events": async (_, { searchParams }) => respondJson(await search(searchParams.get("text") ?? "")),
    "GET /api/keys": async (_, { searchParams }) => respondJson(await catalog.query(parseKeyQuery(searchParams))),
    "GET /api/related": (_, { searchParams }) => related(searchParams),
    "GET /api/recording": () => {
      const trace = [...recorder.trace.after(0)].map((event) => redaction.event(event));
      return respond(formatTrace(trace), "application/x-ndjson");
    },
    "POST /api/remove": remove,
  };

  /** Returns the event that a request names: by its key, which the store may have to resolve, or by its identity. */
  async function requested(params: URLSearchParams): Promise<EventRef | undefined> {
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

  async function find(storeKey: string): Promise<EventRef | undefined> {
    if (!isStoreKey(storeKey)) return undefined;
    const entry = await keyAdmin.find(storeKey);
    if (entry === undefined) return undefined;
    const { workspaceId, subscriptionId, eventId } = entry.record;
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
    const matches = (identity: EventRef): boolean => redaction.identity(identity).eventId.toLowerCase().includes(part);
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
    if (identity === undefined) return problem("not-found", "The inspector does not know this event");
    const entry = await keyAdmin.get(identity);
    const shown: EventDetail = {
      identity: redaction.identity(identity),
      holds: entry === undefined ? null : shownRecord(entry),
      trace: recorder.trace.of(identity.storeKey).map((event) => redaction.event(event)),
    };
    return respondJson(shown);
  }

  async function remove(request: Request): Promise<Response> {
    const refusal = authGuard.refuseToChange(request);
    if (refusal !== undefined) return refusal;
    if (!source.canChange) return problem("read-only", "This inspector is read-only");
    const order = removalOrder(await request.text());
    if (order === undefined) return problem("wrong-request", "Expected `storeKey` and `revision`");
    const identity = known.get(order.storeKey) ?? (await find(order.storeKey));
    const entry = identity === undefined ? undefined : await keyAdmin.get(identity);
    if (identity === undefined || entry?.revision !== order.revision) return changed();
    context.willRemove(identity.storeKey);
    if (!(await keyAdmin.remove(identity, entry))) return changed();
    catalog.invalidate();
    recorder.record(removedByHand(identity, entry, recording.nowMs()));
    return respondJson({ removed: true });
  }

  return async (request) => {
    const refusal = authGuard.refuse(request);
    if (refusal !== undefined) return refusal;
    const url = new URL(request.url);
    const route = routes[`${request.method} ${url.pathname}`];
    if (route === undefined) return problem("not-found", "This address does not exist");
    const hidden = url.pathname === "/" ? undefined : authGuard.refuseToShow(request);
    if (hidden !== undefined) return hidden;
    try {
      return await route(request, url);
    } catch (error) {
      return errorResponse(error, redaction);
    }
  };
}

function removalOrder(body: string): { readonly storeKey: string; readonly revision: number } | undefined {
  const value = parsed(body);
  if (!isObject(value)) return undefined;
  const { storeKey, revision } = value;
  return typeof storeKey === "string" && typeof revision === "number" ? { storeKey, revision } : undefined;
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function changed(): Response {
  return problem("changed", "The key has changed since you looked. Look again");
}

function shownRecord({ record, revision }: Entry): ShownRecord {
  const { state, owner, attempt, leaseMs, atMs } = record;
  const hasResult = record.state === "committed" && record.result !== undefined;
  return { state, owner, attempt, fence: fenceOf(record, revision), revision, leaseMs, atMs, hasResult };
}

function removedByHand(identity: EventRef, { record, revision }: Entry, atMs: number): TraceEvent {
  return {
    type: "cleared",
    identity,
    atMs,
    replica: "inspector",
    owner: record.owner,
    attempt: record.attempt,
    fence: fenceOf(record, revision),
    revision,
    durationMs: 0,
    forMs: 0,
    cause: record.state === "reserved" ? "released by hand" : "cleared by hand",
  };
}

/** Passes on the store's errors. Other errors may contain internals and are not shown. */
function errorResponse(error: unknown, redaction: Redaction): Response {
  const text = storeErrorText(error, redaction);
  if (text === undefined) return problem("failed", "The inspector failed to answer this request");
  if (hasCode(error, "record-unreadable")) return problem("unreadable", text);
  return problem(hasCode(error, "unsupported") ? "unsupported" : "store-unavailable", text);
}

function storeErrorText(error: unknown, redaction: Redaction): string | undefined {
  const isOfStore =
    hasCode(error, "store-unavailable") || hasCode(error, "record-unreadable") || hasCode(error, "unsupported");
  return isOfStore ? redaction.cause(error.message) : undefined;
}

function isStoreKey(value: string): boolean {
  try {
    parseStoreKey(value);
    return true;
  } catch {
    return false;
  }
}
