import { headers, type MsgHdrs } from "@nats-io/nats-core";
import { decodeHeaderAttribute, encodeHeaderAttribute } from "../../model/cloud-event.ts";
import { type ResolvedIdentity, resolveIdentity } from "../../model/identity.ts";

/** Headers that a dead letter has in addition to those of its original. */
export const letterHeaders = {
  reason: "Latchkey-Reason",
  error: "Latchkey-Error",
  key: "Latchkey-Key",
  consumer: "Latchkey-Consumer",
  deliveries: "Latchkey-Deliveries",
  workspaceId: "Latchkey-Identity-Workspace",
  subscriptionId: "Latchkey-Identity-Subscription",
  eventId: "Latchkey-Identity-Event",
  /** Revision of the commit whose fingerprint differs. */
  commitRevision: "Latchkey-Commit-Revision",
  /** Size of a body that the letter does not contain. */
  omittedBytes: "Latchkey-Omitted-Bytes",
  originalSubject: "Latchkey-Original-Subject",
  originalStream: "Latchkey-Original-Stream",
  originalSequence: "Latchkey-Original-Sequence",
  originalTime: "Latchkey-Original-Time",
  /** Present if the consumer could not read the original's headers. */
  originalHeaders: "Latchkey-Original-Headers",
} as const;

/** Headers by which a scheduled copy counts the attempts before it. A dead letter and a redriven message count from the start. */
export const attemptHeaders = {
  failures: "Latchkey-Failures",
  deliveries: "Latchkey-Earlier-Deliveries",
} as const;

/** Names of all headers that Latchkey adds to a message. */
export const ownHeaders: readonly string[] = [...Object.values(letterHeaders), ...Object.values(attemptHeaders)];

const ORIGINAL = "Latchkey-Original-";
const OWN: ReadonlySet<string> = new Set(ownHeaders.map((name) => name.toLowerCase()));

/** Returns the name that an original's header has in its letter: headers that the server acts on get a prefix. */
export function nameInLetter(name: string): string {
  return /^nats-/i.test(name) ? ORIGINAL + name : name;
}

/**
 * Returns the values of a header by its name, ignoring case, as CloudEvents requires: gateways change it. A redriven message has the
 * headers that the server acts on under their names in the letter, so those are read first.
 */
export function headerValues(fields: MsgHdrs | undefined, name: string): readonly string[] {
  const inLetter = nameInLetter(name);
  const values = inLetter === name ? [] : valuesOf(fields, inLetter);
  return values.length > 0 ? values : valuesOf(fields, name);
}

/** Does what the client's `values` does with `Match.IgnoreCase`, without a list and a function per call: most names are absent. */
function valuesOf(fields: MsgHdrs | undefined, name: string): readonly string[] {
  let found: readonly string[] = [];
  if (fields === undefined) return found;
  for (const [key, values] of fields) {
    if (key.length !== name.length || key.toLowerCase() !== name.toLowerCase()) continue;
    found = found.length === 0 ? values : [...found, ...values];
  }
  return found;
}

/** Returns the headers that identify the event of a letter. */
export function identityHeaders({
  workspaceId,
  subscriptionId,
  eventId,
  key,
}: ResolvedIdentity): Record<string, string> {
  return {
    [letterHeaders.key]: key,
    [letterHeaders.workspaceId]: encodeHeaderAttribute(workspaceId),
    [letterHeaders.subscriptionId]: encodeHeaderAttribute(subscriptionId),
    [letterHeaders.eventId]: encodeHeaderAttribute(eventId),
  };
}

/** Returns the identity in a letter's headers. */
export function identityIn(fields: MsgHdrs): ResolvedIdentity | undefined {
  const names = [letterHeaders.workspaceId, letterHeaders.subscriptionId, letterHeaders.eventId];
  const [workspaceId = "", subscriptionId = "", eventId = ""] = names.map((name) =>
    decodeHeaderAttribute(fields.get(name)),
  );
  if (workspaceId === "" || subscriptionId === "" || eventId === "") return undefined;
  const identity = resolveIdentity({ workspaceId, subscriptionId, eventId });
  return identity.key === fields.get(letterHeaders.key) ? identity : undefined;
}

/**
 * Returns the headers of a letter's original, as it is published again. A header that the server acts on keeps its prefix:
 * `identifyEvent` reads `Latchkey-Original-Nats-Msg-Id`, and the server's duplicate window does not drop the message.
 */
export function redrivenHeaders(fields: MsgHdrs | undefined): MsgHdrs {
  const all = headers();
  for (const [name, values] of fields ?? []) {
    if (OWN.has(name.toLowerCase())) continue;
    for (const value of values) all.append(nameInLetter(name), value);
  }
  return all;
}
