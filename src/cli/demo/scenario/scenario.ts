import type { IncomingEvent } from "../../run/event/incoming-event.ts";
import { readEvent } from "../../run/event/read-event.ts";
import { between, type Chance, shuffled } from "./random.ts";

/** The plan for one event. */
export interface PlannedEvent {
  readonly event: IncomingEvent;
  readonly line: string;
  /** Short name: the type and the beginning of the id. */
  readonly name: string;
  /** Time until the endpoint answers, in milliseconds. */
  readonly latencyMs: number;
  /** Number of refusals before the endpoint accepts the event. */
  readonly refusals: number;
  /** The first replica to dispatch the event crashes before the request, or after it and before the commit. */
  readonly crash: "before" | "after" | undefined;
}

/** Everything that the seed determines. The timing of the replicas depends on the machine. */
export interface DemoScenario {
  readonly events: ReadonlyMap<string, PlannedEvent>;
  /** The deliveries in order of time. Each event is sent at least once. */
  readonly sends: ReadonlyArray<{ readonly atMs: number; readonly eventId: string; readonly line: string }>;
}

export interface ScenarioOptions {
  readonly lines: readonly string[];
  readonly random: Chance;
  /** Time over which the events are sent, in milliseconds. */
  readonly durationMs: number;
  readonly crashes: number;
}

const REFUSED_SHARE = 0.07;
const SLOW_SHARE = 0.04;
/** Late repetitions come after the dispatch; early ones come during it. */
const LATE_MS = [200, 2_500] as const;

export function planScenario({ lines, random, durationMs, crashes }: ScenarioOptions): DemoScenario {
  const planned = shuffled(random, lines).map((line, index, all): PlannedEvent & { readonly atMs: number } => {
    // Crashes come in the middle of equal parts of the time, so that other replicas can take over.
    const part = Math.floor((index * crashes) / all.length);
    const isCrash = index === Math.floor(((part + 0.5) * all.length) / crashes);
    const isSlow = isCrash || random() < SLOW_SHARE;
    const event = eventIn(line);
    return {
      event,
      line,
      name: nameOf(event),
      atMs: (index * durationMs) / all.length,
      latencyMs: isSlow ? between(random, 250, 600) : between(random, 30, 160),
      refusals: !isCrash && random() < REFUSED_SHARE ? between(random, 1, 2) : 0,
      crash: isCrash ? (part % 2 === 0 ? "before" : "after") : undefined,
    };
  });
  const sends = planned.flatMap(({ event: { eventId }, line, atMs, latencyMs, crash }) => {
    const copies = crash === undefined ? between(random, 0, 2) : 2;
    const repeats = Array.from({ length: copies }, () =>
      random() < 0.4 ? between(random, 0, latencyMs) : between(random, ...LATE_MS),
    );
    return [0, ...repeats].map((afterMs) => ({ eventId, line, atMs: Math.min(atMs + afterMs, durationMs) }));
  });
  return {
    events: new Map(planned.map((event) => [event.event.eventId, event])),
    sends: sends.sort((one, other) => one.atMs - other.atMs),
  };
}

/** Returns the plan for an event. */
export function plannedFor({ events }: DemoScenario, eventId: string): PlannedEvent {
  const planned = events.get(eventId);
  if (planned === undefined) throw new TypeError(`The demo does not send \`${eventId}\``);
  return planned;
}

/** Returns a short name. Every sample has an id and a type. */
function nameOf({ attributes: { id = "", type = "" } }: IncomingEvent): string {
  return `${type.replace(/^com\.(github|example)\./, "")} ${id.slice(0, 8)}`;
}

function eventIn(line: string): IncomingEvent {
  const reading = readEvent(Buffer.from(line));
  if ("problem" in reading) throw new TypeError(`A sample of the demo is not a valid event: ${reading.problem}`);
  return reading.event;
}
