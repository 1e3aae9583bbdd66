import type { LineOf } from "../../history/history.ts";
import type { OrderedLine } from "./history-order.ts";
import type { KnownKey } from "./known-keys.ts";

/** Keys of each event: one for each subscription that a handler guards it for. */
export interface EventKeys {
  readonly byEvent: ReadonlyMap<string, readonly KnownKey[]>;
  /** Returns the keys that certainly belong to an event. */
  keysOf(event: string): readonly KnownKey[];
  /** True if a key may belong to this event or to another one. */
  isAmbiguous(event: string): boolean;
  /** Returns the event of a key, if it is certain. */
  eventOf(key: string): string | undefined;
  /** Returns the keys that a process reserved with a fence. */
  reservedWith(process: string, fence: number): readonly KnownKey[];
}

/**
 * Learns from a run which keys belong to which event. Ids are compared last, because a handler may derive them in any way:
 *
 * 1. An effect belongs to the key whose reservation has its fence.
 * 2. A process reserves a key while it handles a delivery of its event. Of several events, the one with most reservations counts.
 * 3. The event has the id that the key's records show.
 */
export function eventsOfKeys(lines: readonly OrderedLine[], keys: ReadonlyMap<string, KnownKey>): EventKeys {
  const known = eventsIn(lines);
  const handled = eventsHandledAtReservations(lines);
  const byFence = eventsByFence(lines);
  const events = new Map<string, string>();
  const byEvent = new Map<string, KnownKey[]>();
  const reserved = new Map<string, KnownKey[]>();
  const ambiguous = new Set<string>();
  for (const [key, knownKey] of keys) {
    if (knownKey.writes.length === 0 && !knownKey.requests.some(isReservation)) continue;
    const candidates = mostFrequent(handled.get(key));
    const possible = candidates ?? known;
    const reservations = knownKey.writes.flatMap(({ fence, owner, revision }) =>
      fence === 0 ? [`${owner} ${revision}`] : [],
    );
    for (const name of reservations) reserved.set(name, [...(reserved.get(name) ?? []), knownKey]);
    const fenced = reservations.flatMap((name) => [...(byFence.get(name) ?? [])]);
    const event =
      onlyOne(new Set(fenced.filter((one) => possible.has(one)))) ??
      (candidates && onlyOne(candidates)) ??
      (possible.has(knownKey.name) ? knownKey.name : undefined);
    if (event === undefined) for (const one of candidates ?? []) ambiguous.add(one);
    else {
      events.set(key, event);
      byEvent.set(event, [...(byEvent.get(event) ?? []), knownKey]);
    }
  }
  return {
    byEvent,
    keysOf: (event) => byEvent.get(event) ?? [],
    isAmbiguous: (event) => ambiguous.has(event),
    eventOf: (key) => events.get(key),
    reservedWith: (process, fence) => reserved.get(`${process} ${fence}`) ?? [],
  };
}

/**
 * Returns the key that an effect runs under: the one whose reservation has its fence. Otherwise, the event's only key, or the only
 * key that the process holds. Returns nothing if that is ambiguous.
 */
export function keyOfEffect(keys: EventKeys, effect: LineOf<"effect.began">, position: number): KnownKey | undefined {
  const { event, fence, process } = effect;
  const ofEvent = keys.keysOf(event);
  const reserved = keys.reservedWith(process, fence);
  const fenced = reserved.length === 1 ? reserved : reserved.filter((key) => ofEvent.includes(key));
  if (fenced.length > 0) return onlyOne(new Set(fenced));
  if (ofEvent.length < 2) return keys.isAmbiguous(event) ? undefined : ofEvent[0];
  const held = ofEvent.filter(({ writes }) => {
    const last = writes.findLast(({ shownBy }) => shownBy.position < position);
    return last?.state === "reserved" && last.owner === process;
  });
  return onlyOne(new Set(held));
}

function eventsIn(lines: readonly OrderedLine[]): ReadonlySet<string> {
  return new Set(
    lines.flatMap(({ line }) => (line.type === "delivered" || line.type === "effect.began" ? [line.event] : [])),
  );
}

/** Counts, by key and event, how often a process reserved the key while it was handling the event. */
function eventsHandledAtReservations(lines: readonly OrderedLine[]): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const inFlight = new Map<string, Map<string, string>>();
  const counts = new Map<string, Map<string, number>>();
  for (const { line } of lines) {
    const deliveries = inFlight.get(line.process) ?? new Map<string, string>();
    inFlight.set(line.process, deliveries);
    if (line.type === "delivered") deliveries.set(`${line.event} ${line.delivery}`, line.event);
    else if (line.type === "answered") deliveries.delete(`${line.event} ${line.delivery}`);
    else if (line.type === "died") deliveries.clear();
    else if (line.type === "invoke" && line.operation === "reserve" && deliveries.size > 0) {
      const ofKey = counts.get(line.key) ?? new Map<string, number>();
      counts.set(line.key, ofKey);
      for (const event of new Set(deliveries.values())) ofKey.set(event, (ofKey.get(event) ?? 0) + 1);
    }
  }
  return counts;
}

/** A guard may go on after its delivery failed, and then reserve its key while the process handles another event. */
function mostFrequent(counts: ReadonlyMap<string, number> | undefined): ReadonlySet<string> | undefined {
  if (counts === undefined) return undefined;
  const most = Math.max(...counts.values());
  return new Set([...counts].flatMap(([event, count]) => (count === most ? [event] : [])));
}

/** The events of the effects that a process began under each fence. */
function eventsByFence(lines: readonly OrderedLine[]): ReadonlyMap<string, ReadonlySet<string>> {
  const events = new Map<string, Set<string>>();
  for (const { line } of lines) {
    if (line.type !== "effect.began" || line.fence === 0) continue;
    const name = `${line.process} ${line.fence}`;
    events.set(name, (events.get(name) ?? new Set()).add(line.event));
  }
  return events;
}

function isReservation({ invoked }: KnownKey["requests"][number]): boolean {
  return invoked.operation === "reserve";
}

function onlyOne<Item>(items: ReadonlySet<Item>): Item | undefined {
  return items.size === 1 ? [...items][0] : undefined;
}
