import type { OrderedLine } from "./history-order.ts";
import type { KnownKey, Write } from "./known-keys.ts";
import type { Guarantee } from "./violation.ts";

/** An acknowledgement: which process sent it, and between which positions it handled the delivery. */
export interface Acknowledgement {
  readonly process: string;
  readonly event: string;
  readonly deliveredAt: number;
  readonly answeredAt: number;
}

/** Whether the key of an acknowledged event was committed: yes, no, or Latchkey could not tell its caller. */
export type CommitCheck =
  | { readonly type: "committed" | "excused" }
  | { readonly type: "missing"; readonly guarantee: Guarantee; readonly why: string };

/**
 * Checks that an acknowledged key was committed. Excused are commits that Latchkey reported as `superseded` or `unconfirmed`:
 * another owner has taken the key, or the store failed to answer the process's last operation.
 * @param isKnown tells whether the process could know a write.
 */
export function checkCommit(
  acknowledgement: Acknowledgement,
  { requests, writes }: KnownKey,
  isKnown: (write: Write) => boolean,
): CommitCheck {
  const { process, event, deliveredAt, answeredAt } = acknowledgement;
  const own = writes.findLast(
    ({ fence, owner, shownBy }) => fence === 0 && owner === process && shownBy.position < answeredAt,
  );
  const later = writes.filter((write) => write.revision > (own?.revision ?? 0) && isKnown(write));
  if (later.some(({ state }) => state === "committed")) return { type: "committed" };
  const sent = requests.filter(
    ({ sentBy }) => sentBy.line.process === process && isBetween(sentBy, deliveredAt, answeredAt),
  );
  if (sent.length === 0) return { type: "committed" };
  if (own !== undefined && later.some(({ token }) => token !== own.token)) return { type: "excused" };
  const results = sent.flatMap(({ result }) => (result !== undefined && result.position < answeredAt ? [result] : []));
  const last = results.toSorted((a, b) => a.position - b.position).at(-1)?.line;
  if (last?.type === "unknown" || (last?.type === "fail" && last.because === "refused")) return { type: "excused" };
  const holder = writes.findLast(({ shownBy }) => shownBy.position < answeredAt);
  if (own === undefined) {
    const held = holder === undefined ? "nobody had committed it" : `${holder.owner} had reserved and not committed it`;
    return { type: "missing", guarantee: "G2", why: `${process} acknowledged ${event}, and ${held}` };
  }
  const isCommitting = sent.some(({ invoked }) => invoked.operation === "commit");
  const isReleased = own.removed !== undefined && own.removed.shownBy.position < answeredAt;
  const instead = isCommitting
    ? "before the store had confirmed its commit"
    : isReleased
      ? "after releasing its reservation instead of committing it"
      : "without committing its reservation";
  const why = `${process} acknowledged ${event} ${instead}: another delivery would dispatch it again`;
  return { type: "missing", guarantee: "G3", why };
}

function isBetween({ position }: OrderedLine, from: number, to: number): boolean {
  return position > from && position < to;
}
