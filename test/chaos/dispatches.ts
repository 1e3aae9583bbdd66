import type { History, SeenLine } from "../../src/history/history.ts";
import type { CommitOutcome } from "../../src/model/decision.ts";
import type { Booked } from "./endpoint-books.ts";

/** One attempt at an effect: what its process wrote down, and what the receiving side booked. */
export interface Dispatch {
  readonly event: string;
  readonly process: string;
  readonly effect: number;
  readonly fence: number;
  /** The last moment before it began at which its process was awake, and had not been told to stop. */
  readonly turnMs: number;
  /** The later ones. */
  readonly looksMs: readonly number[];
  /** Whether its signal fired. */
  readonly told: boolean;
  readonly ended: "well" | "in failure" | "never";
  /** What its process was told of its commit, if it was. */
  readonly commit: CommitOutcome | undefined;
  /** What the receiving side saw, and when. */
  readonly beginBooked: Booked | undefined;
  readonly endBooked: Booked | undefined;
}

type Mutable<Type> = { -readonly [Field in keyof Type]: Type[Field] };

/** The attempts at each event, by fence. */
export function dispatchesByEvent(
  history: History,
  books: readonly Booked[],
): ReadonlyMap<string, readonly Dispatch[]> {
  const byEffect = new Map<string, Mutable<Dispatch> & { looksMs: number[] }>();
  const byDelivery = new Map(books.map((booked) => [deliveryOf(booked), nameOf(booked)]));
  for (const line of history) {
    if (line.type === "effect.began") {
      byEffect.set(nameOf(line), { ...begun(line), looksMs: [] });
    } else if (line.type === "effect.looked") {
      byEffect.get(nameOf(line))?.looksMs.push(line.turnMs);
    } else if (line.type === "effect.told") {
      const dispatch = byEffect.get(nameOf(line));
      if (dispatch !== undefined) dispatch.told = true;
    } else if (line.type === "effect.ended") {
      const dispatch = byEffect.get(nameOf(line));
      if (dispatch !== undefined) dispatch.ended = line.failed ? "in failure" : "well";
    } else if (line.type === "answered" && line.answer === "acknowledged" && line.because === "dispatched") {
      const dispatch = byEffect.get(byDelivery.get(deliveryOf(line)) ?? "");
      if (dispatch !== undefined) dispatch.commit = line.commit;
    }
  }
  for (const booked of books) {
    const dispatch = byEffect.get(nameOf(booked));
    if (dispatch === undefined) continue;
    if (booked.phase === "begin") dispatch.beginBooked = booked;
    else dispatch.endBooked = booked;
  }
  const byEvent = new Map<string, Dispatch[]>();
  for (const dispatch of byEffect.values()) {
    const known = byEvent.get(dispatch.event);
    if (known === undefined) byEvent.set(dispatch.event, [dispatch]);
    else known.push(dispatch);
  }
  for (const known of byEvent.values()) known.sort((one, other) => one.fence - other.fence);
  return byEvent;
}

function nameOf({ process, effect }: { readonly process: string; readonly effect: number }): string {
  return `${process}/${effect}`;
}

function deliveryOf({ process, delivery }: { readonly process: string; readonly delivery: number }): string {
  return `${process}/${delivery}`;
}

function begun(line: Extract<SeenLine, { readonly type: "effect.began" }>): Omit<Dispatch, "looksMs"> {
  const { event, process, effect, fence, atMs, turnMs = atMs } = line;
  return {
    event,
    process,
    effect,
    fence,
    turnMs,
    told: false,
    ended: "never",
    commit: undefined,
    beginBooked: undefined,
    endBooked: undefined,
  };
}
