import type { LineOf } from "../../history/history.ts";
import { fenceOf } from "../../model/record.ts";
import { type Acknowledgement, checkCommit } from "./commit-rules.ts";
import type { EventState } from "./event-state.ts";
import type { OrderedLine } from "./history-order.ts";
import type { KnownKey } from "./known-keys.ts";
import { deliveryId, type ReportViolation, type RunState } from "./run-state.ts";

/** Checks that an acknowledged event had its effect and its commit, and that a nak passes on the effect's own error. */
export function checkAnswer(
  run: RunState,
  line: LineOf<"answered">,
  { number, position }: OrderedLine,
  report: ReportViolation,
): void {
  const { process, event } = line;
  const state = run.of(event);
  const delivery = state.deliveries.get(deliveryId(line));
  state.deliveries.delete(deliveryId(line));
  state.answers.push({ process, position, number });
  if (line.answer === "nak") {
    // With several keys, the store's error may come from another guard than the failed effect.
    const isOnlyGuard = run.keys.keysOf(event).length < 2;
    if (isOnlyGuard && line.code === "store-unavailable" && delivery?.effectFailed === true) {
      report("G7", `the effect of ${event} failed, but ${process} got the store's error instead`);
    }
    return;
  }
  state.acknowledgedIn ??= number;
  const acknowledged = `${process} acknowledged ${event}`;
  if (state.succeeded.size === 0) {
    report("G2", `${acknowledged}, and no effect had begun for it${withoutKey(run, event)}`);
  }
  for (const [work, hasSucceeded] of state.succeeded) {
    if (!hasSucceeded)
      report("G2", `${acknowledged}, and its ${work} had not succeeded${commitOf(run, state, event, position)}`);
  }
  const deliveredAt = delivery?.position ?? position;
  const acknowledgement = { process, event, deliveredAt, answeredAt: position, atMs: line.atMs };
  if (mustBeSettled(run, line, acknowledgement, report)) state.settledIn ??= number;
  checkReportedCommit(run, line, acknowledgement, state, report);
}

/** Explains that no key was reserved for an event, if other events have keys: two events may share an id. */
function withoutKey({ keys }: RunState, event: string): string {
  if (keys.byEvent.size === 0 || keys.keysOf(event).length > 0 || keys.isAmbiguous(event)) return "";
  return ". No replica had reserved a key for it: another event may have the same id";
}

/** Names the commit of an event whose effect has not succeeded. */
function commitOf({ keys }: RunState, { failedIn }: EventState, event: string, position: number): string {
  const commit = keys
    .keysOf(event)
    .flatMap(({ writes }) => writes)
    .find(({ state, shownBy }) => state === "committed" && shownBy.position < position);
  if (commit === undefined) return "";
  const { owner, shownBy } = commit;
  const failed =
    failedIn === undefined || failedIn > shownBy.number ? "" : ` after the effect had failed in line ${failedIn}`;
  return `: ${owner} committed it in line ${shownBy.number}${failed}`;
}

/** Reports an acknowledged key without a commit. Returns true if no later effect may begin for the event. */
function mustBeSettled(
  run: RunState,
  line: LineOf<"answered">,
  acknowledgement: Acknowledgement,
  report: ReportViolation,
): boolean {
  const { process, event, answeredAt } = acknowledgement;
  const reported = line.answer === "acknowledged" ? line.commit : undefined;
  if (reported === "superseded" || reported === "unconfirmed" || run.hasForgotten) return false;
  const checks = run.keys
    .keysOf(event)
    .map((key) => checkCommit(acknowledgement, key, (write) => run.isKnownTo(process, write, answeredAt)));
  const missing = checks.find((check) => check.type === "missing");
  if (missing !== undefined) report(missing.guarantee, missing.why);
  return !checks.some(({ type }) => type === "excused");
}

/** Checks that Latchkey's report about a commit agrees with the store. */
function checkReportedCommit(
  run: RunState,
  line: LineOf<"answered">,
  { deliveredAt, answeredAt }: Acknowledgement,
  state: EventState,
  report: ReportViolation,
): void {
  if (line.answer !== "acknowledged") return;
  const { process, event, commit, atMs } = line;
  const keys = run.keys.keysOf(event).filter(({ writes }) => writes.length > 0);
  const isTaken = (key: KnownKey): boolean => {
    // A dispatch whose lease ended before its effect began has a reservation, and no effect.
    const reserved = key.writes.find(
      ({ fence, owner, shownBy }) => fence === 0 && owner === process && shownBy.position > deliveredAt,
    );
    const lowest = state.lowestFence(process, key);
    const fence = Math.min(lowest, reserved?.revision ?? lowest);
    return key.writes.some((write) => write.revision > fence && fenceOf(write, write.revision) !== fence);
  };
  if (commit === "superseded" && keys.length > 0 && !keys.some(isTaken)) {
    report("G8", `${process}'s commit of ${event} was reported as superseded, and no other token had taken the key`);
  }
  if (commit !== "confirmed" && commit !== "adopted") return;
  const commits = keys.flatMap(({ writes }) => writes.filter(({ state }) => state === "committed"));
  const isKnown = commits.some((write) => write.owner === process && run.isKnownTo(process, write, answeredAt));
  if (keys.length > 0 && !isKnown) {
    report("G9", `${process}'s commit of ${event} was reported as ${commit}, and the store had not confirmed it`);
  }
  const last = commits.every(({ removed, protectedUntilMs }) => removed === undefined && atMs < protectedUntilMs);
  const { committer } = state;
  const dispatches = state.dispatchesBy(process);
  // Deliveries to one process may share a dispatch, and then report its commit twice.
  const isAnother = committer !== undefined && (committer.process !== process || dispatches > committer.dispatches);
  if (keys.length < 2 && isAnother && last && !run.hasForgotten) {
    report("G8", `the dispatch of ${event} by ${process} was reported to count, and so was ${committer.process}'s`);
  }
  state.committer = { process, dispatches };
}
