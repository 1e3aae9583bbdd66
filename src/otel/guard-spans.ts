import { type Attributes, context, type Span, type Tracer } from "@opentelemetry/api";
import type { Handler } from "../deduplicator.ts";
import { systemClock } from "../internal/clock.ts";
import type { Outcome, Reservation } from "../model/decision.ts";
import type { Metrics } from "./metrics.ts";
import { failSpan, inContextOf, inSpan } from "./tracing.ts";

type Stage = "reserve" | "dispatch" | "commit" | "release";

/** The spans of one guard, which follow each other: `reserve`, `dispatch`, and then `commit` or `release`. */
export class GuardSpans {
  readonly #tracer: Tracer;
  readonly #metrics: Metrics;
  readonly #attributes: Attributes;
  readonly #parent = context.active();
  #stage: Stage = "reserve";
  #span: Span;
  #stageBeganMs = systemClock.monotonicMs();
  #reservedAtMs: number | undefined;

  constructor(tracer: Tracer, metrics: Metrics, attributes: Attributes) {
    this.#tracer = tracer;
    this.#metrics = metrics;
    this.#attributes = attributes;
    this.#span = this.#begin("reserve");
  }

  /** Runs a guard, whose handler calls {@link dispatch}. */
  async run<Value>(guard: () => Promise<Outcome<Value>>): Promise<Outcome<Value>> {
    try {
      const outcome = await inContextOf(this.#span, this.#parent, guard);
      if (outcome.outcome !== "dispatched") this.#span.setAttribute("latchkey.decision", outcome.outcome);
      else this.#span.setAttribute("latchkey.commit", outcome.commit);
      return outcome;
    } catch (error) {
      // The release of a failed dispatch succeeded: the error is that of the dispatch.
      if (this.#stage !== "release") failSpan(this.#span, error);
      throw error;
    } finally {
      this.#end();
      if (this.#reservedAtMs !== undefined) {
        this.#metrics.guards.addInFlight(-1);
        this.#metrics.leaseDuration.record((systemClock.monotonicMs() - this.#reservedAtMs) / 1_000);
      }
    }
  }

  /** Ends the reservation's span, and runs the handler in one of its own. */
  async dispatch<Value>(reservation: Reservation, handler: Handler<Value>): Promise<Value> {
    this.#reservedAtMs = systemClock.monotonicMs();
    this.#metrics.guards.addInFlight(1);
    this.#span.setAttributes({
      "latchkey.decision": "unseen",
      "latchkey.fence": reservation.fence,
      "latchkey.attempt": reservation.attempt,
    });
    this.#next("dispatch");
    try {
      const value = await inContextOf(this.#span, this.#parent, () => handler(reservation));
      this.#next("commit");
      return value;
    } catch (error) {
      failSpan(this.#span, error);
      this.#next("release");
      throw error;
    }
  }

  #next(stage: Stage): void {
    this.#end();
    this.#stage = stage;
    this.#span = this.#begin(stage);
  }

  #begin(stage: Stage): Span {
    this.#stageBeganMs = systemClock.monotonicMs();
    return this.#tracer.startSpan(stage, { attributes: this.#attributes }, this.#parent);
  }

  #end(): void {
    const seconds = (systemClock.monotonicMs() - this.#stageBeganMs) / 1_000;
    const { dispatchDuration, storeDuration } = this.#metrics;
    if (this.#stage === "dispatch") dispatchDuration.record(seconds);
    else storeDuration.record(seconds, { stage: this.#stage });
    this.#span.end();
  }
}

/** Returns the reservation with a traced commit. */
export function withTracedCommit(tracer: Tracer, reservation: Reservation, attributes: Attributes): Reservation {
  const commit: Reservation["commit"] = (result) =>
    inSpan(tracer, { name: "commit", attributes }, async (span) => {
      const report = await reservation.commit(result);
      span.setAttribute("latchkey.commit", report.commit);
      return report;
    });
  return { ...reservation, commit };
}
