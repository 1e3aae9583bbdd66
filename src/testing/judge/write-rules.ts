import type { Violation } from "./check-history.ts";
import type { Placed } from "./history-order.ts";
import type { Write } from "./known-writes.ts";

/** What the store's own history breaks, whatever the handlers did. */
export function writeViolations(
  lines: readonly Placed[],
  writes: ReadonlyMap<string, readonly Write[]>,
): readonly Violation[] {
  const forgot = lines.find(({ line }) => line.type === "fault" && line.fault === "amnesia");
  const forgotAt = forgot?.place ?? Number.POSITIVE_INFINITY;
  return [...writes].flatMap(([event, held]) =>
    held.flatMap((write, index) => {
      if (write.shown.place > forgotAt) return [];
      const before = held[index - 1];
      return [
        ...(before === undefined ? [] : afterAnother(event, before, write)),
        ...ofFence(event, write, held),
        ...ofRemoval(event, write, forgotAt),
      ];
    }),
  );
}

/** A record is followed by its own holder's, or by another's when its time is up; a commit by nothing, in its window. */
function afterAnother(event: string, before: Write, write: Write): readonly Violation[] {
  if (before.removed !== undefined || before.mayBeRemoved === true) return [];
  const { number } = write.shown;
  if (before.token === write.token) {
    if (before.state === "reserved" || write.state === "committed") return [];
    const why = `${write.owner} wrote its reservation of ${event} again (revision ${write.revision}) over its own commit (revision ${before.revision}): the event is no longer committed`;
    return [{ guarantee: "G3", line: number, why }];
  }
  // Only a reservation may be written over another's record, when its time is up; a holder expects its own.
  const isHolders = (write.state === "committed" || write.fence > 0) && write.over === before.revision;
  if (write.shown.line.atMs >= before.standsUntilMs && !isHolders) return [];
  const over = `${write.owner} wrote revision ${write.revision} over revision ${before.revision}`;
  if (before.state === "committed") {
    return [{ guarantee: "G3", line: number, why: `${over}, which commits ${event} and whose window had not ended` }];
  }
  if (before.owner === write.owner && !isHolders) return [];
  const end = isHolders ? "only a new reservation may follow it" : "its lease had not ended";
  const why = `${over}, with which ${before.owner} held ${event}: ${end}`;
  return [{ guarantee: "G5", line: number, why }];
}

/** The fence that a holder writes into its record is the revision of its reservation. */
function ofFence(event: string, write: Write, held: readonly Write[]): readonly Violation[] {
  if (write.fence === 0) return [];
  const first = held.filter(({ token, fence }) => token === write.token && fence === 0);
  if (first.length === 0 || first.some(({ revision }) => revision === write.fence)) return [];
  const revisions = first.map(({ revision }) => revision).join(" or ");
  const why = `${write.owner} gave ${write.fence} as the fence of ${event}, and had reserved it with revision ${revisions}`;
  return [{ guarantee: "G5", line: write.shown.number, why }];
}

function ofRemoval(event: string, write: Write, forgotAt: number): readonly Violation[] {
  const { state, owner, revision, removed } = write;
  if (removed === undefined || removed.request?.operation === "clear" || removed.shown.place > forgotAt) return [];
  const line = removed.shown.number;
  if (state === "committed") {
    return [{ guarantee: "G3", line, why: `the commit of ${event} (revision ${revision}) was removed` }];
  }
  const { process = owner } = removed.request ?? {};
  if (process === owner) return [];
  const why = `${process} removed revision ${revision}, with which ${owner} held ${event}`;
  return [{ guarantee: "G5", line, why }];
}
