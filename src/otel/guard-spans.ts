import { type Attributes, context, type Span, type Tracer } from "@opentelemetry/api";
import type { Handler } from "../deduplicator.ts";
import type { Outcome, Reservation } from "../model/decision.ts";
import { failSpan, inContextOf, inSpan } from "./tracing.ts";

type Stage = "reserve" | "dispatch" | "commit" | "release";

/** The spans of one guard, which follow each other: `reserve`, `dispatch`, and then `commit` or `release`. */
export class GuardSpans {
  readonly #tracer: Tracer;
  readonly #attributes: Attributes;
  readonly #parent = context.active();
  #stage: Stage = "reserve";
  #span: Span;

  constructor(tracer: Tracer, attributes: Attributes) {
    this.#tracer = tracer;
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
      this.#span.end();
    }
  }

  /** Ends the reservation's span, and runs the handler in one of its own. */
  async dispatch<Value>(reservation: Reservation, handler: Handler<Value>): Promise<Value> {
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
    this.#span.end();
    this.#stage = stage;
    this.#span = this.#begin(stage);
  }

  #begin(stage: Stage): Span {
    return this.#tracer.startSpan(stage, { attributes: this.#attributes }, this.#parent);
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
