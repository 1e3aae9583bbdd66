import type { OrderedLine } from "./history-order.ts";
import type { KnownKey, KnownWrite } from "./known-keys.ts";
import type { Violation } from "./violation.ts";

/** Returns what the store's own history breaks, whatever the handlers did. */
export function writeViolations(
  lines: readonly OrderedLine[],
  keys: ReadonlyMap<string, KnownKey>,
): readonly Violation[] {
  const amnesia = lines.find(({ line }) => line.type === "fault" && line.fault === "amnesia");
  const amnesiaAt = amnesia?.position ?? Number.POSITIVE_INFINITY;
  return [...keys.values()].flatMap(({ name, writes }) =>
    writes.flatMap((write, index) => {
      if (write.shownBy.position > amnesiaAt) return [];
      const before = writes[index - 1];
      return [
        ...(before === undefined ? [] : overwriteViolations(name, before, write)),
        ...fenceViolations(name, write, writes),
        ...removalViolations(name, write, amnesiaAt),
      ];
    }),
  );
}

/** Finds overwrites of a live reservation by a replica other than its holder, and of a commit within its window. */
function overwriteViolations(event: string, before: KnownWrite, write: KnownWrite): readonly Violation[] {
  if (before.removed !== undefined || before.mayBeRemoved === true) return [];
  const { number } = write.shownBy;
  if (before.token === write.token) {
    if (before.state === "reserved" || write.state === "committed") return [];
    const why = `${write.owner} wrote its reservation of ${event} again (revision ${write.revision}) over its own commit (revision ${before.revision}): the event is no longer committed`;
    return [{ guarantee: "G3", line: number, why }];
  }
  // After the lease, another owner may write a new reservation. Renewals and commits always expect the writer's own record.
  const isHolders = (write.state === "committed" || write.fence > 0) && write.expected === before.revision;
  if (write.shownBy.line.atMs >= before.protectedUntilMs && !isHolders) return [];
  const overwrite = `${write.owner} wrote revision ${write.revision} over revision ${before.revision}`;
  if (before.state === "committed") {
    const why = `${overwrite}, which commits ${event} and whose window had not ended`;
    return [{ guarantee: "G3", line: number, why }];
  }
  if (before.owner === write.owner && !isHolders) return [];
  const end = isHolders ? "only a new reservation may follow it" : "its lease had not ended";
  const why = `${overwrite}, the reservation of ${event} by ${before.owner}: ${end}`;
  return [{ guarantee: "G5", line: number, why }];
}

/** The fence in a holder's record is the revision of its reservation. */
function fenceViolations(event: string, write: KnownWrite, writes: readonly KnownWrite[]): readonly Violation[] {
  if (write.fence === 0) return [];
  const first = writes.filter(({ token, fence }) => token === write.token && fence === 0);
  if (first.length === 0 || first.some(({ revision }) => revision === write.fence)) return [];
  const revisions = first.map(({ revision }) => revision).join(" or ");
  const why = `${write.owner} wrote ${write.fence} as the fence of ${event}, but had reserved it with revision ${revisions}`;
  return [{ guarantee: "G5", line: write.shownBy.number, why }];
}

function removalViolations(event: string, write: KnownWrite, amnesiaAt: number): readonly Violation[] {
  const { state, owner, revision, removed } = write;
  if (removed === undefined || removed.request?.operation === "clear" || removed.shownBy.position > amnesiaAt) {
    return [];
  }
  const line = removed.shownBy.number;
  if (state === "committed") {
    return [{ guarantee: "G3", line, why: `the commit of ${event} (revision ${revision}) was removed` }];
  }
  const { process = owner } = removed.request ?? {};
  if (process === owner) return [];
  const why = `${process} removed revision ${revision}, the reservation of ${event} by ${owner}`;
  return [{ guarantee: "G5", line, why }];
}
