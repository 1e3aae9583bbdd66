import { hasCode } from "../../errors.ts";
import type { Clock } from "../../internal/clock.ts";
import { resolveIdentity } from "../../model/identity.ts";
import { fenceOf } from "../../model/record.ts";
import type { Entry } from "../../model/store.ts";
import type { EventRef, TraceEvent } from "../trace/trace-event.ts";
import { formatTrace } from "../trace/trace-text.ts";
import type { AuthGuard } from "./auth-guard.ts";
import { eventStream } from "./event-stream.ts";
import { Feed, type Recording } from "./feed.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { KeyAdmin } from "./key-admin.ts";
import { KnownEvents } from "./known-events.ts";
import { type Page, pageAnswer } from "./page-file.ts";
import type { Redaction } from "./redaction.ts";
import { answer, jsonAnswer, problem } from "./responses.ts";
import type { EventDetail, ShownRecord } from "./wire.ts";

/** What the requests are answered from. */
export interface Exhibition {
  readonly recording: Recording;
  readonly keeper: KeyAdmin;
  readonly gate: AuthGuard;
  readonly page: Page;
  readonly pulse: Heartbeat;
  readonly clock: Clock;
  /** Aborts when the server closes. */
  readonly signal: AbortSignal;
  /** A key is about to be removed by hand: who watches the store need not tell of it. */
  willRemove(storeKey: string): void;
}

/** Answers a request; does not throw. */
export type Handler = (request: Request) => Promise<Response>;

const MOST_FOUND = 20;

export function inspectorHandler(exhibition: Exhibition): Handler {
  const { recording, keeper, gate, page } = exhibition;
  const { recorder, redaction, source } = recording;
  const events = new KnownEvents(recorder);

  const routes: Readonly<Record<string, (request: Request, url: URL) => Response | Promise<Response>>> = {
    "GET /": (request) => pageAnswer(page, request),
    "GET /api/feed": (request) =>
      eventStream(new Feed(recording, request.headers.get("last-event-id") ?? undefined), exhibition),
    "GET /api/event": (_, { searchParams }) => detail(searchParams),
    "GET /api/events": (_, { searchParams }) => jsonAnswer(found(searchParams.get("text") ?? "")),
    "GET /api/recording": () => {
      const steps = [...recorder.steps.after(0)].map((step) => redaction.step(step));
      return answer(formatTrace(steps), "application/x-ndjson");
    },
    "POST /api/remove": remove,
  };

  /** The event that a request names: by its key, if something is known of it, or by its identity. */
  function named(params: URLSearchParams): EventRef | undefined {
    const storeKey = params.get("storeKey");
    if (storeKey !== null) return events.get(storeKey);
    const [workspaceId, subscriptionId, eventId] = ["workspaceId", "subscriptionId", "eventId"].map((name) =>
      params.get(name),
    );
    if (!subscriptionId || !eventId) return undefined;
    const event = resolveIdentity({ ...(workspaceId ? { workspaceId } : {}), subscriptionId, eventId });
    events.note(event);
    return event;
  }

  function found(text: string): readonly EventRef[] {
    const matches = (event: EventRef): boolean => redaction.identity(event).eventId.includes(text);
    return events.search(matches, MOST_FOUND).map((event) => redaction.identity(event));
  }

  async function detail(params: URLSearchParams): Promise<Response> {
    const event = named(params);
    if (event === undefined) return problem("not-found", "Nothing is known of that event here");
    const entry = await keeper.get(event);
    const shown: EventDetail = {
      identity: redaction.identity(event),
      holds: entry === undefined ? null : shownRecord(entry),
      steps: recorder.steps.of(event.storeKey).map((step) => redaction.step(step)),
    };
    return jsonAnswer(shown);
  }

  async function remove(request: Request): Promise<Response> {
    const refusal = gate.refuseToChange(request);
    if (refusal !== undefined) return refusal;
    if (!source.canChange) return problem("read-only", "This inspector changes nothing");
    const order = orderIn(await request.text());
    if (order === undefined) return problem("wrong-request", "Expected `storeKey` and `revision`");
    const event = events.get(order.storeKey);
    const entry = event === undefined ? undefined : await keeper.get(event);
    if (event === undefined || entry?.revision !== order.revision) return changed();
    exhibition.willRemove(event.storeKey);
    if (!(await keeper.remove(event, entry))) return changed();
    recorder.record(removedByHand(event, entry, recording.nowMs()));
    return jsonAnswer({ removed: true });
  }

  return async (request) => {
    const refusal = gate.refuse(request);
    if (refusal !== undefined) return refusal;
    const url = new URL(request.url);
    const route = routes[`${request.method} ${url.pathname}`];
    if (route === undefined) return problem("not-found", "There is nothing here");
    const hidden = url.pathname === "/" ? undefined : gate.refuseToShow(request);
    if (hidden !== undefined) return hidden;
    try {
      return await route(request, url);
    } catch (error) {
      return explained(error, redaction);
    }
  };
}

function orderIn(body: string): { readonly storeKey: string; readonly revision: number } | undefined {
  const value = parsed(body);
  if (typeof value !== "object" || value === null || !("storeKey" in value) || !("revision" in value)) return undefined;
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
  return problem("changed", "The key does not hold that any more: look again");
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

/** What is wrong with the store is said; what is wrong here is not. */
function explained(error: unknown, redaction: Redaction): Response {
  if (hasCode(error, "store-unavailable")) return problem("store-unavailable", redaction.cause(error.message));
  if (hasCode(error, "record-unreadable")) return problem("unreadable", redaction.cause(error.message));
  return problem("failed", "Something went wrong here");
}
