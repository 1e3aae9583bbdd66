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

/** Headers and time limit of a request. */
export interface RequestTerms {
  readonly headers?: MsgHdrs;
  readonly timeoutMs: number;
}

/** Called once, with the answer or with an error of the client. */
export type OnAnswer = (answer: Msg | Error) => void;

/** A request in flight. See "What waits is a class instance" in docs/performance.md. */
class Request {
  readonly subject: string;
  readonly timeout: Timer;
  readonly onAnswer: OnAnswer;

  constructor(subject: string, timeout: Timer, onAnswer: OnAnswer) {
    this.subject = subject;
    this.timeout = timeout;
    this.onAnswer = onAnswer;
  }
}

const NO_RESPONDERS = 503;
const multiplexers = new WeakMap<NatsConnection, RequestMultiplexer>();

/**
 * Returns the request multiplexer of a connection. Each connection has one, which lives as long as the connection.
 * @param prefix inbox prefix that the connection may subscribe to; the client's default if undefined.
 */
export function multiplexerOf(connection: NatsConnection, prefix: string | undefined): RequestMultiplexer {
  const known = multiplexers.get(connection);
  if (known !== undefined) return known;
  const multiplexer = new RequestMultiplexer(connection, prefix);
  multiplexers.set(connection, multiplexer);
  return multiplexer;
}

/**
 * Sends requests over one subscription and matches each answer to its request, like the client's own `request`.
 * The client creates two stack traces and a timer per request, which is four fifths of the cost of a write.
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
    void this.#watchViolations();
  }

  /** Publishes without requesting an answer. Returns false if nothing was sent. */
  publish(subject: string, payload: string, headers: MsgHdrs): boolean {
    try {
      this.#connection.publish(subject, Buffer.from(payload), { headers });
      return true;
    } catch {
      return false;
    }
  }

  /** Resolves with the answer. Rejects with an error of the client if there is no answer or nothing was sent. */
  request(subject: string, payload: string, terms: RequestTerms): Promise<Msg> {
    return new Promise((resolve, reject) => {
      this.send(subject, payload, terms, (answer) => {
        if (answer instanceof Error) reject(answer);
        else resolve(answer);
      });
    });
  }

  /** Sends a request like {@link request}, without a promise. Reports errors to `onAnswer` and never throws. */
  send(subject: string, payload: string, { headers, timeoutMs }: RequestTerms, onAnswer: OnAnswer): void {
    this.#lastToken += 1;
    const token = this.#lastToken;
    try {
      // A draining connection delivers no more answers.
      if (this.#connection.isDraining()) throw new DrainingConnectionError();
      this.#subscribe();
      const reply = `${this.#prefix}${token}`;
      this.#connection.publish(subject, Buffer.from(payload), headers === undefined ? { reply } : { headers, reply });
    } catch (error) {
      onAnswer(error instanceof Error ? error : new RequestError(String(error)));
      return;
    }
    const timeout = this.#deadlines.add(systemClock.monotonicMs() + timeoutMs, () => {
      this.#settle(token, new TimeoutError());
    });
    this.#requests.set(token, new Request(subject, timeout, onAnswer));
  }

  #subscribe(): void {
    if (this.#isSubscribed) return;
    const { closed } = this.#connection.subscribe(`${this.#prefix}*`, {
      callback: (error, message) => {
        if (error === null) this.#receive(message);
      },
    });
    this.#isSubscribed = true;
    void closed.then((error) => {
      this.#isSubscribed = false;
      const reason = error instanceof Error ? error : new RequestError("connection closed");
      for (const [token] of this.#requests) this.#settle(token, reason);
    });
  }

  #receive(message: Msg): void {
    const token = Number(message.subject.slice(this.#prefix.length));
    const isAnswer = message.data.length > 0 || message.headers?.code !== NO_RESPONDERS;
    this.#settle(token, isAnswer ? message : new NoRespondersError(this.#requests.get(token)?.subject ?? ""));
  }

  #settle(token: number, answer: Msg | Error): void {
    const request = this.#requests.get(token);
    if (request === undefined) return;
    this.#requests.delete(token);
    request.timeout.cancel();
    request.onAnswer(answer);
  }

  /** Fails requests that the user may not publish: the server reports those to the connection, not to the request. */
  async #watchViolations(): Promise<void> {
    for await (const status of this.#connection.status()) {
      const error = status.type === "error" ? status.error : undefined;
      if (!(error instanceof PermissionViolationError) || error.operation !== "publish") continue;
      for (const [token, { subject }] of this.#requests) {
        if (subject === error.subject) this.#settle(token, error);
      }
    }
  }
}
