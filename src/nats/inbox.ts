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
import { systemClock } from "../clock.ts";
import { type Deadline, DeadlineQueue } from "../deadline-queue.ts";

/** What a request carries beside its payload. */
export interface RequestTerms {
  readonly headers?: MsgHdrs;
  readonly timeoutMs: number;
}

interface Request {
  readonly subject: string;
  readonly patience: Deadline;
  readonly resolve: (answer: Msg) => void;
  readonly reject: (reason: unknown) => void;
}

const NO_RESPONDERS = 503;
const inboxes = new WeakMap<NatsConnection, Inbox>();

/**
 * The inbox of a connection: there is one, and it goes with the connection.
 * @param prefix where the connection may subscribe; the client's own without it.
 */
export function inboxOf(connection: NatsConnection, prefix: string | undefined): Inbox {
  const known = inboxes.get(connection);
  if (known !== undefined) return known;
  const inbox = new Inbox(connection, prefix);
  inboxes.set(connection, inbox);
  return inbox;
}

/**
 * Sends requests over one subscription and gives each its answer, as the client's own `request` does. That one prepares two
 * stack traces and a timer for every request, which is four fifths of what a write costs here.
 */
export class Inbox {
  readonly #connection: NatsConnection;
  readonly #prefix: string;
  readonly #deadlines = new DeadlineQueue(systemClock);
  readonly #requests = new Map<string, Request>();
  #isSubscribed = false;
  #lastToken = 0;

  constructor(connection: NatsConnection, prefix: string | undefined) {
    this.#connection = connection;
    this.#prefix = `${createInbox(prefix)}.`;
    void this.#hearViolations();
  }

  /** The answer to a request; rejects with an error of the client's when there is none, or nothing was sent. */
  request(subject: string, payload: string, { timeoutMs, ...rest }: RequestTerms): Promise<Msg> {
    return new Promise((resolve, reject) => {
      // Nothing is heard any more on a connection that drains.
      if (this.#connection.isDraining()) throw new DrainingConnectionError();
      this.#subscribe();
      this.#lastToken += 1;
      const token = String(this.#lastToken);
      this.#connection.publish(subject, payload, { ...rest, reply: this.#prefix + token });
      const patience = this.#deadlines.add(systemClock.monotonicMs() + timeoutMs, () => {
        this.#take(token)?.reject(new TimeoutError());
      });
      this.#requests.set(token, { subject, patience, resolve, reject });
    });
  }

  #subscribe(): void {
    if (this.#isSubscribed) return;
    const { closed } = this.#connection.subscribe(`${this.#prefix}*`, {
      callback: (error, message) => {
        if (error === null) this.#answer(message);
      },
    });
    this.#isSubscribed = true;
    void closed.then((error) => {
      this.#isSubscribed = false;
      const reason = error instanceof Error ? error : new RequestError("connection closed");
      for (const token of this.#requests.keys()) this.#take(token)?.reject(reason);
    });
  }

  #answer(message: Msg): void {
    const request = this.#take(message.subject.slice(this.#prefix.length));
    if (request === undefined) return;
    const isHeard = message.data.length > 0 || message.headers?.code !== NO_RESPONDERS;
    if (isHeard) request.resolve(message);
    else request.reject(new NoRespondersError(request.subject));
  }

  #take(token: string): Request | undefined {
    const request = this.#requests.get(token);
    this.#requests.delete(token);
    request?.patience.cancel();
    return request;
  }

  /** The server answers what may not be published to the connection, not to the request. */
  async #hearViolations(): Promise<void> {
    for await (const status of this.#connection.status()) {
      const error = status.type === "error" ? status.error : undefined;
      if (!(error instanceof PermissionViolationError) || error.operation !== "publish") continue;
      for (const [token, { subject }] of this.#requests) {
        if (subject === error.subject) this.#take(token)?.reject(error);
      }
    }
  }
}
