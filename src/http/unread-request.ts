import type { IncomingMessage } from "node:http";
import { DECODED, keptBody, requestHeaders } from "../internal/node-handler.ts";

/** A request whose body was not read. */
export interface UnreadRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  /** True if other code has read the body, or is reading it. */
  readonly isConsumed: boolean;
  /** Reads the body to its end, or until it exceeds the limit. Rejects if the sender fails. */
  read(maxBytes: number): Promise<Uint8Array<ArrayBuffer> | "too-large">;
  /** Reads no further. */
  stop(): void;
}

/**
 * Receivers by their public form. `toNodeHandler` gives them a request of `node:http` as it is: a `Request` with a stream costs
 * more than everything else that a receiver does (docs/performance.md).
 */
export const unreadReceivers = new WeakMap<
  (request: Request) => Promise<Response>,
  (request: UnreadRequest) => Promise<Response>
>();

/** A `Request`, with headers of its own. See "What waits is a class instance" in docs/performance.md. */
export class UnreadFetchRequest implements UnreadRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly isConsumed: boolean;
  readonly #request: Request;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;

  constructor(request: Request) {
    this.method = request.method;
    this.url = new URL(request.url);
    this.headers = new Headers(request.headers);
    this.isConsumed = request.bodyUsed || request.body?.locked === true;
    this.#request = request;
  }

  read(maxBytes: number): Promise<Uint8Array<ArrayBuffer> | "too-large"> {
    this.#reader = this.#request.body?.getReader();
    return readAll(this.#reader, maxBytes);
  }

  stop(): void {
    this.#reader?.cancel().catch(() => {});
  }
}

/** A request of `node:http`. */
export class UnreadMessage implements UnreadRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly isConsumed = false;
  readonly #kept: Uint8Array<ArrayBuffer> | undefined;
  readonly #body: MessageBody;

  /** @throws {TypeError} if a parser has consumed the body and kept none. */
  constructor(message: IncomingMessage, url: URL) {
    const { method = "GET" } = message;
    this.method = method;
    this.url = url;
    this.#kept = method === "GET" || method === "HEAD" ? undefined : keptBody(message);
    this.#body = new MessageBody(message);
    this.headers = requestHeaders(message);
  }

  read(maxBytes: number): Promise<Uint8Array<ArrayBuffer> | "too-large"> {
    if (this.#kept === undefined) return this.#body.read(maxBytes);
    return Promise.resolve(this.#kept.byteLength > maxBytes ? "too-large" : this.#kept);
  }

  stop(): void {
    this.#body.stop();
  }
}

/** Reads the body of a request of `node:http` by its events. */
class MessageBody {
  readonly #message: IncomingMessage;
  #stop: () => void = () => {};

  constructor(message: IncomingMessage) {
    this.#message = message;
  }

  read(maxBytes: number): Promise<Uint8Array<ArrayBuffer> | "too-large"> {
    const message = this.#message;
    return new Promise((resolve, reject) => {
      const chunks = new Chunks(maxBytes);
      const onData = (chunk: unknown): void => {
        if (!(chunk instanceof Uint8Array)) reject(new TypeError(DECODED));
        else if (!chunks.add(chunk)) {
          this.stop();
          resolve("too-large");
        }
      };
      const onEnd = (): void => resolve(chunks.joined());
      const onClose = (): void => reject(new Error("The sender closed the connection before the end of the body"));
      message.on("data", onData).on("end", onEnd).on("error", reject).on("close", onClose);
      this.#stop = () => {
        message.off("data", onData).off("end", onEnd).off("error", reject).off("close", onClose);
        if (!message.readableEnded) message.pause();
      };
    });
  }

  stop(): void {
    this.#stop();
  }
}

/** Reads a body to its end, or until it exceeds the limit. */
export async function readAll(
  reader: ReadableStreamDefaultReader<Uint8Array> | undefined,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | "too-large"> {
  const chunks = new Chunks(maxBytes);
  for (let chunk = await reader?.read(); chunk !== undefined && !chunk.done; chunk = await reader?.read()) {
    if (!chunks.add(chunk.value)) return "too-large";
  }
  return chunks.joined();
}

/** The chunks of a body, up to a limit. */
class Chunks {
  readonly #maxBytes: number;
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Adds a chunk. Returns false, and keeps nothing of it, if the body exceeds the limit. */
  add(chunk: Uint8Array): boolean {
    this.#length += chunk.byteLength;
    if (this.#length > this.#maxBytes) return false;
    this.#chunks.push(chunk);
    return true;
  }

  joined(): Uint8Array<ArrayBuffer> {
    const body = new Uint8Array(this.#length);
    let offset = 0;
    for (const chunk of this.#chunks) {
      body.set(chunk, offset);
      offset += chunk.byteLength;
    }
    return body;
  }
}
