import type { SeenLine } from "../../history/history.ts";
import { fenceOf } from "../../model/record.ts";
import { type Acknowledgement, checkCommit } from "./commit-rules.ts";
import { type EventKeys, keyOfEffect } from "./event-keys.ts";
import { type EffectBegan, EventState } from "./event-state.ts";
import type { OrderedLine } from "./history-order.ts";
import type { KnownKey, Write } from "./known-keys.ts";
import type { Guarantee, Violation } from "./violation.ts";

type Line<Type extends SeenLine["type"]> = Extract<SeenLine, { type: Type }>;
type Report = (guarantee: Guarantee, why: string) => void;

/** This many renewals after the answer, in a run without an end, show that a reservation is never given up. */
const ENDLESS_RENEWALS = 10;

/** Judges what processes did, line by line. */
export class Judge {
  readonly violations: Violation[] = [];
  readonly #keys: EventKeys;
  readonly #events = new Map<string, EventState>();
  /** The removed writes, by the position of the line that shows the removal. */
  readonly #removals = new Map<number, { readonly event: string; readonly write: Write }>();
  readonly #frozenAt = new Map<string, number>();
  readonly #deliveredAt = new Map<string, number>();
  /** Processes, with the revisions that the store returned to them. */
  readonly #returned = new Set<string>();
  /** Tokens of reservations, with their renewals after the answer. */
  readonly #idleRenewals = new Map<string, number>();
  /** True if the run came to rest. */
  readonly #hasEnd: boolean;
  #hasForgotten = false;

  /** @param lines are all lines, in their order. */
  constructor(keys: EventKeys, lines: readonly OrderedLine[]) {
    this.#keys = keys;
    this.#hasEnd = lines.some(({ line }) => line.type === "settled");
    for (const [event, known] of keys.byEvent) {
      for (const write of known.flatMap(({ writes }) => writes)) {
        if (write.removed !== undefined) this.#removals.set(write.removed.shownBy.position, { event, write });
      }
    }
  }

  read(ordered: OrderedLine): void {
    const { line, number, position } = ordered;
    const report: Report = (guarantee, why) => this.violations.push({ guarantee, line: number, why });
    switch (line.type) {
      case "fault":
        if (line.fault === "amnesia") this.#hasForgotten = true;
        return;
      case "frozen":
        this.#frozenAt.set(line.process, position);
        return;
      case "died":
        for (const state of this.#events.values()) state.died(line.process);
        return;
      case "delivered":
        this.#stateOf(line.event).deliveries.set(deliveryId(line), {
          process: line.process,
          position,
          effectFailed: false,
        });
        this.#deliveredAt.set(`${line.process} ${line.event}`, position);
        return;
      case "answered":
        this.#answered(line, ordered, report);
        return;
      case "effect.began":
        this.#began(line, ordered, report);
        return;
      case "effect.aborted": {
        const effect = this.#stateOf(line.event).running.get(effectId(line));
        if (effect !== undefined) effect.isAborted = true;
        return;
      }
      case "effect.checked":
        this.#checkedSignal(line, report);
        return;
      case "effect.ended":
        this.#ended(line);
        return;
      case "settled":
        this.#runEnded(line, report);
        return;
      case "invoke":
        if (line.operation === "renew") this.#renews(line, report);
        return;
      case "ok":
      case "fail":
        this.#returned.add(`${line.process} ${line.revision ?? 0}`);
        this.#removed(ordered, report);
        return;
      case "store.removed":
        this.#removed(ordered, report);
        return;
      case "unknown":
      case "store.held":
        return;
    }
  }

  #stateOf(event: string): EventState {
    const state = this.#events.get(event) ?? new EventState();
    this.#events.set(event, state);
    return state;
  }

  /** True if nothing may depend on the process reacting in time. */
  #isExcused(process: string, event: string): boolean {
    const frozenAt = this.#frozenAt.get(process) ?? -1;
    return this.#hasForgotten || frozenAt > (this.#deliveredAt.get(`${process} ${event}`) ?? -1);
  }

  /**
   * Names what an effect does, so that equal names must not run at once. Effects of one name for several subscriptions differ;
   * without the key of such an effect, nothing is certain.
   */
  #workOf({ event, name }: EffectBegan, key: KnownKey | undefined): string | undefined {
    const subscriptions = new Set(this.#keys.keysOf(event).map(({ subscription }) => subscription));
    if (subscriptions.size < 2) return name;
    return key && `${name} for ${key.subscription}`;
  }

  /** An effect that begins must be the only one whose signal has not fired, must have the highest fence, and must not be late. */
  #began(line: EffectBegan, { number, position }: OrderedLine, report: Report): void {
    const state = this.#stateOf(line.event);
    const { event, process, name, fence } = line;
    const key = keyOfEffect(this.#keys, line, position);
    const work = this.#workOf(line, key);
    const what = `${name} of ${event}`;
    if (!state.succeeded.has(work ?? name)) state.succeeded.set(work ?? name, false);
    if (!this.#isExcused(process, event)) {
      for (const { began, work: other, isAborted, number: since } of state.running.values()) {
        // An effect that polls its signal is judged when it does: the signal may have fired without being noted yet.
        if (work === undefined || other !== work || isAborted || began.turnMs !== undefined) continue;
        if (isSameAttempt(began, line) || this.#isExcused(began.process, event)) continue;
        const running = `the ${what} that ${began.process} began in line ${since} was still running`;
        report("G1", `${process} began the ${what} while ${running}`);
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
    this.#beganTooLate(line, position, key, report);
    if (fence > (state.newest.get(key)?.fence ?? 0)) state.newest.set(key, line);
    state.lowerFence(line, key);
    state.running.set(effectId(line), { began: line, number, key, work, isAborted: false });
  }

  #beganTooLate(line: EffectBegan, position: number, key: KnownKey | undefined, report: Report): void {
    if (this.#hasForgotten) return;
    const { process, event, name, fence, atMs, turnMs } = line;
    const isExcused = this.#isExcused(process, event);
    const writes = key?.writes ?? [];
    const before = writes.findLast(({ revision }) => revision < fence);
    const after = writes.find(
      ({ state, revision, shownBy }) =>
        state === "committed" &&
        revision > fence &&
        (turnMs === undefined ? shownBy.position < position : shownBy.line.atMs < turnMs),
    );
    const commit = before?.state === "committed" ? before : isExcused ? undefined : after;
    if (commit !== undefined && commit.removed === undefined && atMs < commit.protectedUntilMs) {
      const since = `${commit.owner} had committed it with revision ${commit.revision} (line ${commit.shownBy.number})`;
      report("G3", `${process} began the ${name} of ${event} after ${since}`);
    }
    const { settledIn } = this.#stateOf(event);
    if (settledIn === undefined || isExcused || this.#keys.isAmbiguous(event)) return;
    // A key that was committed once is judged by its commits: their windows end, and operators clear them.
    const relevant = key === undefined ? this.#keys.keysOf(event) : [key];
    if (relevant.some((one) => one.writes.some(({ state }) => state === "committed"))) return;
    report("G3", `${process} began the ${name} of ${event} after it had been acknowledged in line ${settledIn}`);
  }

  /** A signal that has not fired although another owner already had the key in an earlier turn of the event loop is late. */
  #checkedSignal(line: Line<"effect.checked">, report: Report): void {
    const { process, event, turnMs } = line;
    const effect = this.#stateOf(event).running.get(effectId(line));
    if (effect === undefined || effect.isAborted || this.#isExcused(process, event)) return;
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

  #ended(line: Line<"effect.ended">): void {
    const state = this.#stateOf(line.event);
    const effect = state.running.get(effectId(line));
    state.running.delete(effectId(line));
    if (effect === undefined) return;
    if (!line.failed) state.succeeded.set(effect.work ?? effect.began.name, true);
    const here = [...state.deliveries.values()].filter(({ process }) => process === line.process);
    const [delivery] = here;
    if (here.length === 1 && delivery !== undefined) delivery.effectFailed = line.failed;
  }

  #answered(line: Line<"answered">, ordered: OrderedLine, report: Report): void {
    const { process, event } = line;
    const { number, position } = ordered;
    const state = this.#stateOf(event);
    const delivery = state.deliveries.get(deliveryId(line));
    state.deliveries.delete(deliveryId(line));
    state.answers.push({ process, position, number });
    if (line.answer === "nak") {
      // With several keys, the store's error may come from another guard than the failed effect.
      const isOnlyGuard = this.#keys.keysOf(event).length < 2;
      if (isOnlyGuard && line.code === "store-unavailable" && delivery?.effectFailed === true) {
        report("G7", `the effect of ${event} failed, but ${process} got the store's error instead`);
      }
      return;
    }
    state.acknowledgedIn ??= number;
    if (state.succeeded.size === 0) {
      report("G2", `${process} acknowledged ${event}, and no effect had begun for it`);
    }
    for (const [work, hasSucceeded] of state.succeeded) {
      if (!hasSucceeded) report("G2", `${process} acknowledged ${event}, and its ${work} had not succeeded`);
    }
    const deliveredAt = delivery?.position ?? position;
    const acknowledgement = { process, event, deliveredAt, answeredAt: position, atMs: line.atMs };
    if (this.#mustBeSettled(line, acknowledgement, report)) state.settledIn ??= number;
    this.#checkReportedCommit(line, position, state, report);
  }

  /** Reports an acknowledged key without a commit. Returns true if no later effect may begin for the event. */
  #mustBeSettled(line: Line<"answered">, acknowledgement: Acknowledgement, report: Report): boolean {
    const { process, event, answeredAt } = acknowledgement;
    const reported = line.answer === "acknowledged" ? line.commit : undefined;
    if (reported === "superseded" || reported === "unconfirmed" || this.#hasForgotten) return false;
    const isKnown = ({ revision, shownBy }: Write): boolean =>
      shownBy.position < answeredAt || this.#returned.has(`${process} ${revision}`);
    const checks = this.#keys.keysOf(event).map((key) => checkCommit(acknowledgement, key, isKnown));
    const missing = checks.find((check) => check.type === "missing");
    if (missing !== undefined) report(missing.guarantee, missing.why);
    return !checks.some(({ type }) => type === "excused");
  }

  /** Latchkey's report about a commit must agree with the store. */
  #checkReportedCommit(line: Line<"answered">, position: number, state: EventState, report: Report): void {
    if (line.answer !== "acknowledged") return;
    const { process, event, commit, atMs } = line;
    const keys = this.#keys.keysOf(event).filter(({ writes }) => writes.length > 0);
    const isTaken = (key: KnownKey): boolean => {
      const fence = state.lowestFence(process, key);
      return key.writes.some((write) => write.revision > fence && fenceOf(write, write.revision) !== fence);
    };
    if (commit === "superseded" && keys.length > 0 && !keys.some(isTaken)) {
      report("G8", `${process}'s commit of ${event} was reported as superseded, and no other token had taken the key`);
    }
    if (commit !== "confirmed" && commit !== "adopted") return;
    const commits = keys.flatMap(({ writes }) => writes.filter(({ state }) => state === "committed"));
    const isKnown = commits.some(
      ({ owner, revision, shownBy }) =>
        owner === process && (shownBy.position < position || this.#returned.has(`${process} ${revision}`)),
    );
    if (keys.length > 0 && !isKnown) {
      report("G9", `${process}'s commit of ${event} was reported as ${commit}, and the store had not confirmed it`);
    }
    const last = commits.every(({ removed, protectedUntilMs }) => removed === undefined && atMs < protectedUntilMs);
    if (keys.length < 2 && state.committer !== undefined && last && !this.#hasForgotten) {
      report("G8", `the dispatch of ${event} by ${process} was reported to count, and so was ${state.committer}'s`);
    }
    state.committer = process;
  }

  /** A process that has answered, and runs no effect, has no reason to renew a reservation without end. */
  #renews({ process, key, token }: Line<"invoke">, report: Report): void {
    const event = this.#keys.eventOf(key);
    if (event === undefined || token === undefined || this.#hasForgotten || this.#hasEnd) return;
    const state = this.#stateOf(event);
    if (state.isHandledBy(process)) return;
    const reserved = this.#keys
      .keysOf(event)
      .flatMap(({ writes }) => writes)
      .find((write) => write.token === token);
    const answer = state.answers.find(
      (one) => one.process === process && one.position > (reserved?.shownBy.position ?? -1),
    );
    if (answer === undefined) return;
    const renewals = (this.#idleRenewals.get(token) ?? 0) + 1;
    this.#idleRenewals.set(token, renewals);
    if (renewals !== ENDLESS_RENEWALS) return;
    const since = `after it had answered the delivery in line ${answer.number}`;
    report(
      "G4",
      `${process} kept renewing its reservation of ${event} ${since}, and neither committed nor released it`,
    );
  }

  /** Only its holder, after a failed dispatch, or an operator removes a reservation, and never while an effect runs. */
  #removed({ position }: OrderedLine, report: Report): void {
    const removal = this.#removals.get(position);
    if (removal === undefined || removal.write.state === "committed") return;
    const { event, write } = removal;
    const fence = fenceOf(write, write.revision);
    for (const effect of this.#stateOf(event).running.values()) {
      if (effect.began.fence !== fence || effect.isAborted) continue;
      const { process } = effect.began;
      if (write.removed?.request?.operation === "clear") effect.isAborted = true;
      else if (!this.#isExcused(process, event)) {
        const running = `the effect on ${process} was running (since line ${effect.number})`;
        report("G5", `the reservation of ${event} was removed while ${running}`);
      }
    }
  }

  #runEnded({ unacknowledged = [], deadLettered = [] }: Line<"settled">, report: Report): void {
    for (const [event, { acknowledgedIn }] of this.#events) {
      if (deadLettered.includes(event)) continue;
      if (acknowledgedIn === undefined) report("G4", `${event} was delivered again and again, and never acknowledged`);
      else if (unacknowledged.includes(event)) {
        report("G4", `one of the messages with ${event} was delivered again and again, and never acknowledged`);
      }
    }
  }
}

function effectId({ process, effect }: { readonly process: string; readonly effect: number }): string {
  return `${process} ${effect}`;
}

function deliveryId({ process, delivery }: { readonly process: string; readonly delivery: number }): string {
  return `${process} ${delivery}`;
}

/** Effects under one reservation do not compete. */
function isSameAttempt(one: EffectBegan, other: EffectBegan): boolean {
  return one.process === other.process && one.fence === other.fence && one.fence > 0;
}
