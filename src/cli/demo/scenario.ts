import { type IncomingEvent, readEvent } from "../run/incoming.ts";
import { between, type Chance, shuffled } from "./seeded.ts";

/** What will befall one event. */
export interface PlannedEvent {
  readonly event: IncomingEvent;
  readonly line: string;
  /** Short enough for a line: what kind of event, and the beginning of its id. */
  readonly name: string;
  /** How long the endpoint works on it. */
  readonly latencyMs: number;
  /** How often the endpoint refuses it before it takes it. */
  readonly refusals: number;
  /** The replica that dispatches it first dies: before the endpoint has the event, or after, so that nobody commits it. */
  readonly crash: "before" | "after" | undefined;
}

/** All that the seed decides; when a replica gets to it is up to the machine. */
export interface Scenario {
  readonly events: ReadonlyMap<string, PlannedEvent>;
  /** Which events are sent, in which order and when: each once at least. */
  readonly sendings: ReadonlyArray<{ readonly atMs: number; readonly eventId: string; readonly line: string }>;
}

export interface ScenarioOptions {
  readonly lines: readonly string[];
  readonly chance: Chance;
  /** Over how long the events are sent. */
  readonly durationMs: number;
  readonly crashes: number;
}

const REFUSED_SHARE = 0.07;
const SLOW_SHARE = 0.04;
/** What a sender repeats at once is still on its way; what it repeats late has long been dispatched. */
const LATE_MS = [200, 2_500] as const;

export function planScenario({ lines, chance, durationMs, crashes }: ScenarioOptions): Scenario {
  const planned = shuffled(chance, lines).map((line, index, all): PlannedEvent & { readonly atMs: number } => {
    // Crashes come in the middle of equal parts of the time, so that there is always somebody left to take over.
    const part = Math.floor((index * crashes) / all.length);
    const isCrash = index === Math.floor(((part + 0.5) * all.length) / crashes);
    const isSlow = isCrash || chance() < SLOW_SHARE;
    const event = eventIn(line);
    return {
      event,
      line,
      name: nameOf(event),
      atMs: (index * durationMs) / all.length,
      latencyMs: isSlow ? between(chance, 250, 600) : between(chance, 30, 160),
      refusals: !isCrash && chance() < REFUSED_SHARE ? between(chance, 1, 2) : 0,
      crash: isCrash ? (part % 2 === 0 ? "before" : "after") : undefined,
    };
  });
  const sendings = planned.flatMap(({ event: { eventId }, line, atMs, latencyMs, crash }) => {
    const copies = crash === undefined ? between(chance, 0, 2) : 2;
    const repeats = Array.from({ length: copies }, () =>
      chance() < 0.4 ? between(chance, 0, latencyMs) : between(chance, ...LATE_MS),
    );
    return [0, ...repeats].map((afterMs) => ({ eventId, line, atMs: Math.min(atMs + afterMs, durationMs) }));
  });
  return {
    events: new Map(planned.map((event) => [event.event.eventId, event])),
    sendings: sendings.sort((one, other) => one.atMs - other.atMs),
  };
}

/** What the scenario has in store for an event that it sends. */
export function plannedFor({ events }: Scenario, eventId: string): PlannedEvent {
  const planned = events.get(eventId);
  if (planned === undefined) throw new TypeError(`The demo does not send \`${eventId}\``);
  return planned;
}

/** Every event of the samples has an id and a type. */
function nameOf({ attributes: { id = "", type = "" } }: IncomingEvent): string {
  return `${type.replace(/^com\.(github|example)\./, "")} ${id.slice(0, 8)}`;
}

function eventIn(line: string): IncomingEvent {
  const reading = readEvent(Buffer.from(line));
  if ("problem" in reading) throw new TypeError(`A sample of the demo is no event: ${reading.problem}`);
  return reading.event;
}
