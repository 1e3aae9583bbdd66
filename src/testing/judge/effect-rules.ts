import type { LineOf } from "../../history/history.ts";
import { fenceOf } from "../../model/record.ts";
import { keyOfEffect } from "./event-keys.ts";
import type { EventState } from "./event-state.ts";
import type { OrderedLine } from "./history-order.ts";
import type { KnownKey } from "./known-keys.ts";
import type { ReportViolation, RunState } from "./run-state.ts";

/** Checks that a beginning effect is the only one whose signal has not fired, has the highest fence, and is not late. */
export function checkBegin(
  run: RunState,
  line: LineOf<"effect.began">,
  { number, position }: OrderedLine,
  report: ReportViolation,
): void {
  const state = run.of(line.event);
  const { event, process, name, fence } = line;
  const key = keyOfEffect(run.keys, line, position);
  const work = workOf(run, line, key);
  const what = `${name} of ${event}`;
  if (!state.succeeded.has(work ?? name)) state.succeeded.set(work ?? name, false);
  if (!run.isStalled(process, event)) {
    for (const { began, work: other, isAborted, number: since } of state.running.values()) {
      // An effect that polls its signal is judged when it does: the signal may have fired without being noted yet.
      if (work === undefined || other !== work || isAborted || began.turnMs !== undefined) continue;
      if (isSameAttempt(began, line) || run.isStalled(began.process, event)) continue;
      const running = `the ${what} that ${began.process} began in line ${since} was still running`;
      report("G1", `${process} began the ${what} while ${running}${severalIds(run, event)}`);
      if (began.hasSignal) report("G6", `${running}, and its signal had not fired, when ${process} began it too`);
    }
    const newest = state.newest.get(key);
    const isNewer =
      newest !== undefined && newest.fence >= fence && newest.atMs < (line.turnMs ?? Number.POSITIVE_INFINITY);
    if (fence > 0 && isNewer && !isSameAttempt(newest, line)) {
      const began = `${process} began the ${what} with fence ${fence}`;
      report("G5", `${began}, after ${newest.process} had begun it with fence ${newest.fence}`);
    }
  }
  checkNotLate(run, line, position, key, report);
  if (fence > (state.newest.get(key)?.fence ?? 0)) state.newest.set(key, line);
  state.lowerFence(line, key);
  state.running.set(effectId(line), { began: line, number, key, work, isAborted: false });
}

/** Reports an effect that begins after its event was committed or acknowledged. */
function checkNotLate(
  run: RunState,
  line: LineOf<"effect.began">,
  position: number,
  key: KnownKey | undefined,
  report: ReportViolation,
): void {
  if (run.hasForgotten) return;
  const { process, event, name, fence, atMs, turnMs } = line;
  const state = run.of(event);
  const hint = severalIds(run, event) || afterAnswer(run, process, event);
  const isStalled = run.isStalled(process, event);
  const writes = key?.writes ?? [];
  const before = writes.findLast(({ revision }) => revision < fence);
  const after = writes.find(
    ({ state, revision, shownBy }) =>
      state === "committed" &&
      revision > fence &&
      (turnMs === undefined ? shownBy.position < position : shownBy.line.atMs < turnMs),
  );
  const commit = before?.state === "committed" ? before : isStalled ? undefined : after;
  if (commit !== undefined && commit.removed === undefined && atMs < commit.protectedUntilMs) {
    const since = `${commit.owner} had committed it with revision ${commit.revision} (line ${commit.shownBy.number})`;
    report("G3", `${process} began the ${name} of ${event} after ${since}${hint}`);
  }
  const { settledIn } = state;
  if (settledIn === undefined || isStalled || run.keys.isAmbiguous(event)) return;
  // A key that was committed once is judged by its commits: their windows end, and operators clear them.
  const relevant = key === undefined ? run.keys.keysOf(event) : [key];
  if (relevant.some((one) => one.writes.some(({ state }) => state === "committed"))) return;
  const late = `${process} began the ${name} of ${event} after it had been acknowledged in line ${settledIn}`;
  report("G3", `${late}${hint}`);
}

/** Explains that an event was guarded under several ids. */
function severalIds({ keys }: RunState, event: string): string {
  const ofEvent = keys.keysOf(event);
  const ids = [...new Set(ofEvent.map(({ name }) => name))];
  if (ids.length < 2 || new Set(ofEvent.map(({ subscription }) => subscription)).size > 1) return "";
  return `. ${event} was reserved under several event ids: ${ids.join(", ")}`;
}

/** Explains that an effect continues although its process has answered every delivery of the event. */
function afterAnswer(run: RunState, process: string, event: string): string {
  const state = run.of(event);
  const answer = state.answers.findLast((one) => one.process === process);
  if (answer === undefined || state.isDeliveredTo(process)) return "";
  return `. ${process} had answered its last delivery in line ${answer.number}: the effect continued without one`;
}

/** Reports a signal that had not fired although another owner got the key in an earlier turn of the event loop. */
export function checkSignal(run: RunState, line: LineOf<"effect.checked">, report: ReportViolation): void {
  const { process, event, turnMs } = line;
  const effect = run.of(event).running.get(effectId(line));
  if (effect === undefined || effect.isAborted || run.isStalled(process, event)) return;
  const { name, fence } = effect.began;
  const other = effect.key?.writes.find(
    (write) => write.revision > fence && fenceOf(write, write.revision) !== fence && write.shownBy.line.atMs < turnMs,
  );
  if (other === undefined) return;
  // Reported once for each effect.
  effect.isAborted = true;
  const late = `the signal of the ${name} of ${event} on ${process} had not fired when the effect checked it`;
  const takeover = `${other.owner} had taken the key with revision ${other.revision} (line ${other.shownBy.number})`;
  report("G6", `${late}, after ${takeover}`);
}

export function abortEffect(run: RunState, line: LineOf<"effect.aborted">): void {
  const effect = run.of(line.event).running.get(effectId(line));
  if (effect !== undefined) effect.isAborted = true;
}

export function endEffect(run: RunState, line: LineOf<"effect.ended">, number: number): void {
  const state = run.of(line.event);
  const effect = state.running.get(effectId(line));
  state.running.delete(effectId(line));
  if (effect === undefined) return;
  if (line.failed) state.failedIn = number;
  else {
    state.succeeded.set(effect.work ?? effect.began.name, true);
    state.finish(effect.began);
  }
  noteOutcome(state, line);
}

/** The lines of the effect itself say whether it happened. */
export function endTransaction(run: RunState, line: LineOf<"transaction.ended">): void {
  noteOutcome(run.of(line.event), line);
}

/** Notes whether the delivery that a process handles got the error of an effect. It is unknown which of several got it. */
function noteOutcome(
  state: EventState,
  { process, failed }: { readonly process: string; readonly failed: boolean },
): void {
  const [delivery, ...others] = [...state.deliveries.values()].filter((one) => one.process === process);
  if (delivery !== undefined && others.length === 0) delivery.effectFailed = failed;
}

/**
 * Names what an effect does, so that equal names must not run at once. Effects of one name for several subscriptions differ;
 * without the key of such an effect, nothing is certain.
 */
function workOf(run: RunState, { event, name }: LineOf<"effect.began">, key: KnownKey | undefined): string | undefined {
  const subscriptions = new Set(run.keys.keysOf(event).map(({ subscription }) => subscription));
  if (subscriptions.size < 2) return name;
  return key && `${name} for ${key.subscription}`;
}

function effectId({ process, effect }: { readonly process: string; readonly effect: number }): string {
  return `${process} ${effect}`;
}

/** Returns true for effects under one reservation, which do not compete. */
function isSameAttempt(one: LineOf<"effect.began">, other: LineOf<"effect.began">): boolean {
  return one.process === other.process && one.fence === other.fence && one.fence > 0;
}
