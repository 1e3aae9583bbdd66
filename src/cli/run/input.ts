import { open } from "node:fs/promises";
import { addAbortSignal, type Readable } from "node:stream";
import { UnusableError } from "../terminal/errors.ts";
import type { CliIo } from "../terminal/io.ts";
import { sentences } from "../terminal/sentences.ts";
import { type Line, readLines } from "./lines.ts";

/** GitHub sends payloads of 25 MB at most. */
const LONGEST_LINE_BYTES = 32 * 1024 * 1024;

/** The lines of a file or of standard input, read as fast as they are asked for. */
export interface Input extends Disposable {
  readonly lines: AsyncGenerator<Line, void>;
  /** How much of it was read, from 0 to 1; undefined when its size is not known. */
  readonly share: () => number | undefined;
  /** Ends the reading where it is. */
  readonly stop: () => void;
}

/**
 * @param path `-` is standard input.
 * @throws {UnusableError} when there is no such file, and from the lines when reading fails.
 */
export async function openInput(path: string, io: CliIo): Promise<Input> {
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  let readBytes = 0;
  const { stream, sizeBytes } = path === "-" ? { stream: io.input(), sizeBytes: 0 } : await openFile(path);
  addAbortSignal(stopping.signal, stream);
  async function* chunks(): AsyncGenerator<Uint8Array, void> {
    try {
      for await (const chunk of stream) {
        if (!(chunk instanceof Uint8Array)) throw new TypeError("the stream gives no bytes");
        readBytes += chunk.byteLength;
        yield chunk;
      }
    } catch (error) {
      if (!stopping.signal.aborted) throw new UnusableError(sentences.cannotRead(path, error), { cause: error });
    }
  }
  return {
    lines: readLines(chunks(), LONGEST_LINE_BYTES),
    share: () => (sizeBytes > 0 ? Math.min(readBytes / sizeBytes, 1) : undefined),
    stop,
    [Symbol.dispose]: stop,
  };
}

async function openFile(path: string): Promise<{ stream: Readable; sizeBytes: number }> {
  try {
    const file = await open(path);
    const stats = await file.stat();
    return { stream: file.createReadStream(), sizeBytes: stats.isFile() ? stats.size : 0 };
  } catch (error) {
    throw new UnusableError(sentences.cannotRead(path, error), { cause: error });
  }
}
