import type { LineOf } from "../../history/history.ts";
import { fenceOf } from "../../model/record.ts";
import { checkAnswer } from "./answer-rules.ts";
import { abortEffect, checkBegin, checkSignal, endEffect, endTransaction } from "./effect-rules.ts";
import type { EventKeys } from "./event-keys.ts";
import type { OrderedLine } from "./history-order.ts";
import type { KnownWrite } from "./known-keys.ts";
import { type ReportViolation, RunState } from "./run-state.ts";
import type { Violation } from "./violation.ts";

/** This many renewals after the answer, in a run without an end, show that a reservation is never given up. */
const ENDLESS_RENEWALS = 10;

/** Judges what processes did, line by line. */
export class Judge {
  readonly violations: Violation[] = [];
  readonly #run: RunState;
  /** The removed writes, by the position of the line that shows the removal. */
  readonly #removals = new Map<number, { readonly event: string; readonly write: KnownWrite }>();
  /** Tokens of reservations, with their renewals after the answer. */
  readonly #idleRenewals = new Map<string, number>();

  /** @param lines are all lines, in their order. */
  constructor(keys: EventKeys, lines: readonly OrderedLine[]) {
    this.#run = new RunState(keys, lines);
    for (const [event, known] of keys.byEvent) {
      for (const write of known.flatMap(({ writes }) => writes)) {
        if (write.removed !== undefined) this.#removals.set(write.removed.shownBy.position, { event, write });
      }
    }
  }

  read(ordered: OrderedLine): void {
    const run = this.#run;
    const { line, number, position } = ordered;
    const report: ReportViolation = (guarantee, why) => this.violations.push({ guarantee, line: number, why });
    switch (line.type) {
      case "fault":
        if (line.fault === "amnesia") run.forget();
        return;
      case "frozen":
        run.freeze(line.process, position);
        return;
      case "died":
        run.die(line.process);
        return;
      case "delivered":
        run.deliver(line, position);
        return;
      case "answered":
        checkAnswer(run, line, ordered, report);
        return;
      case "effect.began":
        checkBegin(run, line, ordered, report);
        return;
      case "effect.aborted":
        abortEffect(run, line);
        return;
      case "effect.checked":
        checkSignal(run, line, report);
        return;
      case "effect.ended":
        endEffect(run, line, number);
        return;
      case "transaction.ended":
        endTransaction(run, line);
        return;
      case "settled":
        this.#runEnded(line, report);
        return;
      case "invoke":
        if (line.operation === "renew") this.#renews(line, report);
        else if (line.operation === "reserve") run.retry(line);
        return;
      case "ok":
      case "fail":
        run.learn(line.process, line.revision ?? 0);
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

  /** Reports a process that renews a reservation without end, although it has answered and runs no effect. */
  #renews({ process, key, token }: LineOf<"invoke">, report: ReportViolation): void {
    const run = this.#run;
    const event = run.keys.eventOf(key);
    if (event === undefined || token === undefined || run.hasForgotten || run.hasEnd) return;
    const state = run.of(event);
    if (state.isHandledBy(process)) return;
    const reserved = run.keys
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

  /** Reports a reservation that was removed while its effect ran, unless an operator cleared it. */
  #removed({ position }: OrderedLine, report: ReportViolation): void {
    const removal = this.#removals.get(position);
    if (removal === undefined || removal.write.state === "committed") return;
    const { event, write } = removal;
    const fence = fenceOf(write, write.revision);
    for (const effect of this.#run.of(event).running.values()) {
      if (effect.began.fence !== fence || effect.isAborted) continue;
      const { process } = effect.began;
      if (write.removed?.request?.operation === "clear") effect.isAborted = true;
      else if (!this.#run.isStalled(process, event)) {
        const running = `the effect on ${process} was running (since line ${effect.number})`;
        report("G5", `the reservation of ${event} was removed while ${running}`);
      }
    }
  }

  #runEnded({ unacknowledged = [], deadLettered = [] }: LineOf<"settled">, report: ReportViolation): void {
    for (const [event, { acknowledgedIn }] of this.#run.events) {
      if (deadLettered.includes(event)) continue;
      if (acknowledgedIn === undefined) report("G4", `${event} was delivered again and again, and never acknowledged`);
      else if (unacknowledged.includes(event)) {
        report("G4", `one of the messages with ${event} was delivered again and again, and never acknowledged`);
      }
    }
  }
}
