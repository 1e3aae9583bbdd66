import type { OrderedLine } from "./history-order.ts";
import type { KeyRequest, KnownKey, KnownWrite } from "./known-keys.ts";
import type { Guarantee } from "./violation.ts";

/** An acknowledgement: which process sent it, and between which positions it handled the delivery. */
export interface Acknowledgement {
  readonly process: string;
  readonly event: string;
  readonly deliveredAt: number;
  readonly answeredAt: number;
  readonly atMs: number;
}

/** State of an acknowledged event's commit: stored, missing, or unknown to the caller. */
export type CommitCheck =
  | { readonly type: "committed" | "excused" }
  | { readonly type: "missing"; readonly guarantee: Guarantee; readonly why: string };

/**
 * Checks that an acknowledged key was committed. Commits that Latchkey reported as `superseded` or `unconfirmed` are
 * excused. Another reservation has taken the key, the store failed to answer the process's last operation, or the lease ended before.
 * @param isKnown Returns true if the process could know a write.
 */
export function checkCommit(
  acknowledgement: Acknowledgement,
  { requests, writes }: KnownKey,
  isKnown: (write: KnownWrite) => boolean,
): CommitCheck {
  const { process, deliveredAt, answeredAt } = acknowledgement;
  const sent = requests.filter(
    ({ sentBy }) => sentBy.line.process === process && isBetween(sentBy, deliveredAt, answeredAt),
  );
  const own = writes.filter(
    ({ fence, owner, shownBy }) => fence === 0 && owner === process && shownBy.position < answeredAt,
  );
  // Concurrent deliveries to one process may each have a reservation, so the most favourable one counts.
  const inDelivery = own.filter(({ shownBy }) => shownBy.position > deliveredAt);
  // A reservation whose result is unknown may reach the store after its window's end. The commit that was read before still counts.
  if (showsCommit(lastResult(sent, answeredAt))) return { type: "committed" };
  if (inDelivery.length === 0 && writes.some((write) => write.state === "committed" && isKnown(write))) {
    return { type: "committed" };
  }
  const candidates = inDelivery.length > 0 ? inDelivery : [own.at(-1)];
  const checks = candidates.map((reservation) => checkReservation(acknowledgement, reservation, sent, writes, isKnown));
  return checks.find(({ type }) => type !== "missing") ?? checks[0] ?? { type: "committed" };
}

function checkReservation(
  { process, event, answeredAt, atMs }: Acknowledgement,
  own: KnownWrite | undefined,
  sent: readonly KeyRequest[],
  writes: readonly KnownWrite[],
  isKnown: (write: KnownWrite) => boolean,
): CommitCheck {
  const later = writes.filter((write) => write.revision > (own?.revision ?? 0) && isKnown(write));
  if (sent.length === 0 || later.some(({ state }) => state === "committed")) return { type: "committed" };
  if (own === undefined) {
    if (isUnanswered(sent, answeredAt)) return { type: "excused" };
    const holder = later.at(-1)?.owner;
    const state = holder === undefined ? "no token had committed it" : `${holder} had reserved and not committed it`;
    return { type: "missing", guarantee: "G2", why: `${process} acknowledged ${event}, and ${state}` };
  }
  // At the end of its lease, Latchkey reports a commit without a response as `unconfirmed`.
  const endMs = (later.at(-1) ?? own).protectedUntilMs;
  const isUnconfirmed =
    isUnanswered(sent, answeredAt) ||
    (endMs <= atMs && sent.some((one) => isInFlight(one, endMs))) ||
    isGivenUp(sent, atMs);
  if (isUnconfirmed || later.some(({ token }) => token !== own.token)) return { type: "excused" };
  const isReleased = own.removed !== undefined && own.removed.shownBy.position < answeredAt;
  const instead = sent.some(({ invoked }) => invoked.operation === "commit")
    ? "before the store had confirmed its commit"
    : isReleased
      ? "after releasing its reservation instead of committing it"
      : "without committing its reservation";
  const why = `${process} acknowledged ${event} ${instead}: another delivery would dispatch it again`;
  return { type: "missing", guarantee: "G3", why };
}

/** Returns the last result that the process got. */
function lastResult(sent: readonly KeyRequest[], before: number): OrderedLine["line"] | undefined {
  const results = sent.flatMap(({ result }) => (result !== undefined && result.position < before ? [result] : []));
  return results.toSorted((a, b) => a.position - b.position).at(-1)?.line;
}

/** True if the store returned a committed record. */
function showsCommit(result: OrderedLine["line"] | undefined): boolean {
  return (result?.type === "ok" || result?.type === "fail") && result.state === "committed";
}

/** True if the store gave no answer to the process's last operation, or in the last result that the process got. */
function isUnanswered(sent: readonly KeyRequest[], before: number): boolean {
  // A late answer to an earlier operation, such as a renewal, says nothing about a commit.
  const lastSent = sent.toSorted((a, b) => a.sentBy.position - b.sentBy.position).slice(-1);
  return isNoAnswer(lastResult(sent, before)) || isNoAnswer(lastResult(lastSent, before));
}

function isNoAnswer(result: OrderedLine["line"] | undefined): boolean {
  return result?.type === "unknown" || (result?.type === "fail" && result.because === "refused");
}

/** True if a commit had no answer for as long as a lease: Latchkey then reports a late commit as `unconfirmed`. */
function isGivenUp(sent: readonly KeyRequest[], atMs: number): boolean {
  const first = sent.find(({ invoked }) => invoked.operation === "commit");
  const leaseMs = sent.find(({ invoked }) => invoked.leaseMs !== undefined)?.invoked.leaseMs;
  if (first === undefined || leaseMs === undefined) return false;
  const givenUpMs = first.sentBy.line.atMs + leaseMs;
  return givenUpMs <= atMs && sent.some((one) => isInFlight(one, givenUpMs));
}

function isInFlight({ sentBy, result }: KeyRequest, atMs: number): boolean {
  return sentBy.line.atMs <= atMs && (result === undefined || result.line.atMs >= atMs);
}

function isBetween({ position }: OrderedLine, from: number, to: number): boolean {
  return position > from && position < to;
}
