import { type MsgHdrs, MsgHdrsImpl, type NatsConnection } from "@nats-io/nats-core";
import { Deferred } from "../../src/internal/deferred.ts";

/** Treatment of a request by the server: a single write, or a batch. */
export type Treatment =
  /** Stores the messages if all expected revisions are right, and acknowledges them. */
  | "processed"
  /** Answers that nothing subscribes to the subject. Stores nothing. */
  | "no responders"
  /** Answers that another write is in flight. Stores nothing. */
  | "busy"
  /** Answers that the bucket is full. Of a batch it may have stored some messages. */
  | "full"
  /** Stores the messages if it can, but the answer is lost. */
  | "answer lost"
  | "request lost";

/** A message that arrived at the bucket. */
export interface SentMessage {
  readonly subject: string;
  readonly payload: string;
  readonly expected: number;
  readonly stream: string;
  readonly ttl: string;
}

interface SentRequest {
  readonly messages: readonly SentMessage[];
  readonly batch: string | undefined;
  readonly reply: string;
}

interface PublishOptions {
  readonly headers: MsgHdrs;
  readonly reply?: string;
}

/** A connection to a server with one bucket. A test decides when and how the server treats each request. */
export class FakeBucket {
  /** Requests without a treatment, oldest first. */
  readonly requests: SentRequest[] = [];
  /** Every request that was sent, in order. */
  readonly sent: SentRequest[] = [];
  /** Revisions under which each payload was stored. */
  readonly revisionsOf = new Map<string, number[]>();
  /** Treats every request at once, before it is known to be sent. */
  immediate: Treatment | undefined;
  #lastRevision = 0;
  #staged: SentMessage[] = [];
  readonly #revisions = new Map<string, number>();
  #receive: (message: object) => void = () => {};
  #closed = new Deferred<undefined>();

  /** The client's view of the server. */
  get connection(): NatsConnection {
    const connection: unknown = {
      isDraining: () => false,
      publish: (subject: string, payload: Uint8Array, options: PublishOptions) =>
        this.#publish(subject, payload, options),
      subscribe: (_: string, { callback }: { callback: (error: null, message: object) => void }) => {
        this.#receive = (message) => callback(null, message);
        this.#closed = new Deferred();
        return { closed: this.#closed.promise };
      },
      async *status() {},
    };
    if (!isConnection(connection)) throw new Error("unreachable");
    return connection;
  }

  treat(index: number, treatment: Treatment): void {
    const [request] = this.requests.splice(index, 1);
    if (request !== undefined) this.#treat(request, treatment);
  }

  /** Closes the client's subscription: every request without an answer fails. */
  disconnect(): void {
    this.#closed.resolve(undefined);
  }

  #publish(subject: string, payload: Uint8Array, { headers, reply }: PublishOptions): void {
    const fields = new TextDecoder().decode(encoded(headers));
    const field = (name: string) => new RegExp(`^${name}: (.*)\r$`, "m").exec(fields)?.[1];
    const message = {
      subject,
      payload: new TextDecoder().decode(payload),
      expected: Number(field("Nats-Expected-Last-Subject-Sequence")),
      stream: field("Nats-Expected-Stream") ?? "",
      ttl: field("Nats-TTL") ?? "",
    };
    const batch = field("Nats-Batch-Id");
    if (batch !== undefined) {
      this.#staged.push(message);
      if (Number(field("Nats-Batch-Sequence")) !== this.#staged.length) throw new Error("A batch has a gap");
      if (field("Nats-Batch-Commit") !== "1") return;
    }
    const request = { messages: batch === undefined ? [message] : this.#staged, batch, reply: reply ?? "" };
    if (batch !== undefined) this.#staged = [];
    this.sent.push(request);
    if (this.immediate === undefined) this.requests.push(request);
    else this.#treat(request, this.immediate);
  }

  #treat(request: SentRequest, treatment: Treatment): void {
    const { messages, batch, reply } = request;
    switch (treatment) {
      case "request lost":
        break;
      case "no responders":
        this.#receive({ subject: reply, data: new Uint8Array(0), headers: { code: 503 } });
        break;
      case "busy":
        this.#answer(reply, { error: { code: 400, err_code: 10_164, description: treatment } });
        break;
      case "full":
        // Some of a batch may be stored before the server notices.
        if (batch !== undefined) this.#store(messages.slice(0, Math.ceil(messages.length / 2)));
        this.#answer(reply, { error: { code: 503, err_code: 10_077, description: treatment } });
        break;
      case "answer lost":
        this.#store(messages);
        break;
      case "processed":
        if (this.#store(messages)) {
          const ofBatch = batch === undefined ? {} : { batch, count: messages.length };
          this.#answer(reply, { stream: "KV_b", seq: this.#lastRevision, ...ofBatch });
        } else this.#answer(reply, { error: { code: 400, err_code: 10_071, description: "wrong" } });
        break;
    }
  }

  #store(messages: readonly SentMessage[]): boolean {
    if (messages.some(({ subject, expected }) => (this.#revisions.get(subject) ?? 0) !== expected)) return false;
    for (const { subject, payload } of messages) {
      this.#lastRevision += 1;
      this.#revisions.set(subject, this.#lastRevision);
      this.revisionsOf.set(payload, [...(this.revisionsOf.get(payload) ?? []), this.#lastRevision]);
    }
    return true;
  }

  #answer(reply: string, answer: object): void {
    const text = JSON.stringify(answer);
    this.#receive({
      subject: reply,
      data: new TextEncoder().encode(text),
      headers: undefined,
      json: (): unknown => JSON.parse(text),
    });
  }
}

function isConnection(value: unknown): value is NatsConnection {
  return typeof value === "object" && value !== null;
}

function encoded(headers: MsgHdrs): Uint8Array {
  if (!(headers instanceof MsgHdrsImpl)) throw new Error("The headers cannot be encoded");
  return headers.encode();
}
