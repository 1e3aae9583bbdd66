import {
  createInbox,
  DrainingConnectionError,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  NoRespondersError,
  PermissionViolationError,
  RequestError,
  TimeoutError,
} from "@nats-io/nats-core";
import { BoxedMap } from "../../internal/boxed-map.ts";
import { systemClock } from "../../internal/clock.ts";
import { type Timer, TimerQueue } from "../../internal/timer-queue.ts";

/** What a request carries beside its payload. */
export interface RequestTerms {
  readonly headers?: MsgHdrs;
  readonly timeoutMs: number;
}

/** Called once with the answer, or with an error of the client's when there is none. */
export type OnAnswer = (answer: Msg | Error) => void;

interface Request {
  readonly subject: string;
  readonly patience: Timer;
  readonly onAnswer: OnAnswer;
}

const NO_RESPONDERS = 503;
const inboxes = new WeakMap<NatsConnection, RequestMultiplexer>();

/**
 * The inbox of a connection: there is one, and it goes with the connection.
 * @param prefix where the connection may subscribe; the client's own without it.
 */
export function inboxOf(connection: NatsConnection, prefix: string | undefined): RequestMultiplexer {
  const known = inboxes.get(connection);
  if (known !== undefined) return known;
  const inbox = new RequestMultiplexer(connection, prefix);
  inboxes.set(connection, inbox);
  return inbox;
}

/**
 * Sends requests over one subscription and gives each its answer, as the client's own `request` does. That one prepares two
 * stack traces and a timer for every request, which is four fifths of what a write costs here.
 */
export class RequestMultiplexer {
  readonly #connection: NatsConnection;
  readonly #prefix: string;
  readonly #deadlines = new TimerQueue(systemClock);
  readonly #requests = new BoxedMap<number, Request>();
  #isSubscribed = false;
  #lastToken = 0;

  constructor(connection: NatsConnection, prefix: string | undefined) {
    this.#connection = connection;
    this.#prefix = `${createInbox(prefix)}.`;
    void this.#hearViolations();
  }

  /** Publishes without asking for an answer; false when nothing was sent. */
  publishes(subject: string, payload: string, headers: MsgHdrs): boolean {
    try {
      this.#connection.publish(subject, Buffer.from(payload), { headers });
      return true;
    } catch {
      return false;
    }
  }

  /** The answer to a request; rejects with an error of the client's when there is none, or nothing was sent. */
  request(subject: string, payload: string, terms: RequestTerms): Promise<Msg> {
    return new Promise((resolve, reject) => {
      this.ask(subject, payload, terms, (answer) => {
        if (answer instanceof Error) reject(answer);
        else resolve(answer);
      });
    });
  }

  /** The same for those who have many to wait for: what is thrown elsewhere is told as well. */
  ask(subject: string, payload: string, { headers, timeoutMs }: RequestTerms, onAnswer: OnAnswer): void {
    this.#lastToken += 1;
    const token = this.#lastToken;
    try {
      // Nothing is heard any more on a connection that drains.
      if (this.#connection.isDraining()) throw new DrainingConnectionError();
      this.#subscribe();
      const reply = `${this.#prefix}${token}`;
      this.#connection.publish(subject, Buffer.from(payload), headers === undefined ? { reply } : { headers, reply });
    } catch (error) {
      onAnswer(error instanceof Error ? error : new RequestError(String(error)));
      return;
    }
    const patience = this.#deadlines.add(systemClock.monotonicMs() + timeoutMs, () => {
      this.#tell(token, new TimeoutError());
    });
    this.#requests.set(token, { subject, patience, onAnswer });
  }

  #subscribe(): void {
    if (this.#isSubscribed) return;
    const { closed } = this.#connection.subscribe(`${this.#prefix}*`, {
      callback: (error, message) => {
        if (error === null) this.#hear(message);
      },
    });
    this.#isSubscribed = true;
    void closed.then((error) => {
      this.#isSubscribed = false;
      const reason = error instanceof Error ? error : new RequestError("connection closed");
      for (const [token] of this.#requests) this.#tell(token, reason);
    });
  }

  #hear(message: Msg): void {
    const token = Number(message.subject.slice(this.#prefix.length));
    const isHeard = message.data.length > 0 || message.headers?.code !== NO_RESPONDERS;
    this.#tell(token, isHeard ? message : new NoRespondersError(this.#requests.get(token)?.subject ?? ""));
  }

  #tell(token: number, answer: Msg | Error): void {
    const request = this.#requests.get(token);
    if (request === undefined) return;
    this.#requests.delete(token);
    request.patience.cancel();
    request.onAnswer(answer);
  }

  /** The server answers what may not be published to the connection, not to the request. */
  async #hearViolations(): Promise<void> {
    for await (const status of this.#connection.status()) {
      const error = status.type === "error" ? status.error : undefined;
      if (!(error instanceof PermissionViolationError) || error.operation !== "publish") continue;
      for (const [token, { subject }] of this.#requests) {
        if (subject === error.subject) this.#tell(token, error);
      }
    }
  }
}
