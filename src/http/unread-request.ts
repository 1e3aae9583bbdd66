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

/** Returns a `Request` as an unread request, with headers of its own. */
export function unreadRequest(request: Request): UnreadRequest {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  return {
    method: request.method,
    url: new URL(request.url),
    headers: new Headers(request.headers),
    isConsumed: request.bodyUsed || request.body?.locked === true,
    read(maxBytes) {
      reader = request.body?.getReader();
      return readAll(reader, maxBytes);
    },
    stop: () => void reader?.cancel().catch(() => {}),
  };
}

/** Returns a request of `node:http` as an unread request. @throws {TypeError} if a parser has consumed the body and kept none. */
export function unreadMessage(message: IncomingMessage, url: URL): UnreadRequest {
  const { method = "GET" } = message;
  const kept = method === "GET" || method === "HEAD" ? undefined : keptBody(message);
  const body = new MessageBody(message);
  return {
    method,
    url,
    headers: requestHeaders(message),
    isConsumed: false,
    read(maxBytes) {
      if (kept === undefined) return body.read(maxBytes);
      return Promise.resolve(kept.byteLength > maxBytes ? "too-large" : kept);
    },
    stop: () => body.stop(),
  };
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
