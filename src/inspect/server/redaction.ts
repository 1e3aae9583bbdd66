import type { TracedAttempt } from "../trace/attempt.ts";
import type { Notice } from "../trace/notice-log.ts";
import type { KeyedIdentity, TraceEvent } from "../trace/trace-event.ts";
import type { ShownAttempt, StoreHealth } from "./wire.ts";

/** Kind of a text that may be redacted. */
export type Redactable = "workspace" | "subscription" | "event" | "cause";

/** Returns the text to show instead of `text`. */
export type Redact = (text: string, what: Redactable) => string;

/** Shown if `redact` throws. */
const UNKNOWN = "(redacted)";

/** Redacts everything that leaves the server. */
export class Redaction {
  readonly #redact: Redact | undefined;

  constructor(redact: Redact | undefined) {
    this.#redact = redact;
  }

  event(event: TraceEvent): TraceEvent {
    return { ...event, identity: this.identity(event.identity), cause: this.cause(event.cause) };
  }

  notice(notice: Notice): Notice {
    return { ...notice, identity: this.identity(notice.identity), cause: this.cause(notice.cause) };
  }

  attempt({ began: _, changed: __, ...attempt }: TracedAttempt): ShownAttempt {
    return { ...attempt, identity: this.identity(attempt.identity) };
  }

  health(health: StoreHealth): StoreHealth {
    return health.state === "available" ? health : { ...health, reason: this.cause(health.reason) };
  }

  /** Drops any other field of the object. */
  identity({ storeKey, workspaceId, subscriptionId, eventId }: KeyedIdentity): KeyedIdentity {
    return {
      storeKey,
      workspaceId: this.#text(workspaceId, "workspace"),
      subscriptionId: this.#text(subscriptionId, "subscription"),
      eventId: this.#text(eventId, "event"),
    };
  }

  /** Redacts an error text or a reason. */
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
