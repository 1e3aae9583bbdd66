import type { History, SeenLine } from "../../src/history/history.ts";
import type { CommitOutcome } from "../../src/model/decision.ts";
import type { EndpointRequest } from "./endpoint-request.ts";

/** One attempt at an effect, as recorded by its process and by the endpoint. */
export interface Dispatch {
  readonly event: string;
  readonly process: string;
  readonly effect: number;
  readonly fence: number;
  /** Last time before the effect began at which its process was awake and its signal had not fired. */
  readonly turnMs: number;
  /** Times of the later checks of the signal, measured in the same way. */
  readonly checksMs: readonly number[];
  readonly signalFired: boolean;
  readonly ended: "well" | "in failure" | "never";
  /** Outcome of the commit, if the process learned it. */
  readonly commit: CommitOutcome | undefined;
  /** The requests that the endpoint received. */
  readonly beginRequest: EndpointRequest | undefined;
  readonly endRequest: EndpointRequest | undefined;
}

type Mutable<Type> = { -readonly [Field in keyof Type]: Type[Field] };

/** Groups the attempts by event, in the order of their fences. */
export function dispatchesByEvent(
  history: History,
  requests: readonly EndpointRequest[],
): ReadonlyMap<string, readonly Dispatch[]> {
  const byEffect = new Map<string, Mutable<Dispatch> & { checksMs: number[] }>();
  const byDelivery = new Map(requests.map((request) => [deliveryOf(request), nameOf(request)]));
  for (const line of history) {
    if (line.type === "effect.began") {
      byEffect.set(nameOf(line), { ...started(line), checksMs: [] });
    } else if (line.type === "effect.checked") {
      byEffect.get(nameOf(line))?.checksMs.push(line.turnMs);
    } else if (line.type === "effect.aborted") {
      const dispatch = byEffect.get(nameOf(line));
      if (dispatch !== undefined) dispatch.signalFired = true;
    } else if (line.type === "effect.ended") {
      const dispatch = byEffect.get(nameOf(line));
      if (dispatch !== undefined) dispatch.ended = line.failed ? "in failure" : "well";
    } else if (line.type === "answered" && line.answer === "acknowledged" && line.because === "dispatched") {
      const dispatch = byEffect.get(byDelivery.get(deliveryOf(line)) ?? "");
      if (dispatch !== undefined) dispatch.commit = line.commit;
    }
  }
  for (const request of requests) {
    const dispatch = byEffect.get(nameOf(request));
    if (dispatch === undefined) continue;
    if (request.phase === "begin") dispatch.beginRequest = request;
    else dispatch.endRequest = request;
  }
  const byEvent = new Map<string, Dispatch[]>();
  for (const dispatch of byEffect.values()) {
    const ofEvent = byEvent.get(dispatch.event);
    if (ofEvent === undefined) byEvent.set(dispatch.event, [dispatch]);
    else ofEvent.push(dispatch);
  }
  for (const ofEvent of byEvent.values()) ofEvent.sort((one, other) => one.fence - other.fence);
  return byEvent;
}

function nameOf({ process, effect }: { readonly process: string; readonly effect: number }): string {
  return `${process}/${effect}`;
}

function deliveryOf({ process, delivery }: { readonly process: string; readonly delivery: number }): string {
  return `${process}/${delivery}`;
}

function started(line: Extract<SeenLine, { readonly type: "effect.began" }>): Omit<Dispatch, "checksMs"> {
  const { event, process, effect, fence, atMs, turnMs = atMs } = line;
  return {
    event,
    process,
    effect,
    fence,
    turnMs,
    signalFired: false,
    ended: "never",
    commit: undefined,
    beginRequest: undefined,
    endRequest: undefined,
  };
}
