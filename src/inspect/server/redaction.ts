import type { Attempt } from "../trace/attempt.ts";
import type { Notice } from "../trace/attention.ts";
import type { EventRef, TraceEvent } from "../trace/trace-event.ts";
import type { ShownAttempt } from "./wire.ts";

/** What a text is that is about to be shown. */
export type Redactable = "workspace" | "subscription" | "event" | "cause";

/** Gives what is shown in the place of a text. */
export type Redact = (text: string, what: Redactable) => string;

/** What is shown when `redact` throws: never the text itself. */
const UNKNOWN = "(redacted)";

/** Makes of what was recorded what may be shown. */
export class Redaction {
  readonly #redact: Redact | undefined;

  constructor(redact: Redact | undefined) {
    this.#redact = redact;
  }

  step(step: TraceEvent): TraceEvent {
    return { ...step, identity: this.identity(step.identity), cause: this.cause(step.cause) };
  }

  notice(notice: Notice): Notice {
    return { ...notice, identity: this.identity(notice.identity), cause: this.cause(notice.cause) };
  }

  flight({ began: _, changed: __, ...flight }: Attempt): ShownAttempt {
    return { ...flight, identity: this.identity(flight.identity) };
  }

  /** Of what hangs on an identity, nothing else is shown. */
  identity({ storeKey, workspaceId, subscriptionId, eventId }: EventRef): EventRef {
    return {
      storeKey,
      workspaceId: this.#text(workspaceId, "workspace"),
      subscriptionId: this.#text(subscriptionId, "subscription"),
      eventId: this.#text(eventId, "event"),
    };
  }

  /** An error or a reason, in words. */
  cause(text: string): string {
    return this.#text(text, "cause");
  }

  #text(text: string, what: Redactable): string {
    if (this.#redact === undefined || text === "") return text;
    try {
      return this.#redact(text, what);
    } catch {
      return UNKNOWN;
    }
  }
}
