import { open } from "node:fs/promises";
import { addAbortSignal, type Readable } from "node:stream";
import { CommandError, cannotRead } from "../../terminal/command-error.ts";
import type { CliIo } from "../../terminal/io.ts";
import { decodeInput } from "./decode-input.ts";
import { type InputLine, MAX_LINE_BYTES, readLines } from "./lines.ts";

/** Lines of a file or of standard input, read on demand. */
export interface Input extends Disposable {
  readonly lines: AsyncGenerator<InputLine, void>;
  /** Returns the fraction that was read, or undefined if the size is unknown. */
  readonly share: () => number | undefined;
  /** Stops reading. */
  readonly stop: () => void;
}

/**
 * @param path `-` for standard input.
 * @throws {CommandError} if the file cannot be opened. The lines throw it if reading fails, or for an unsupported format.
 */
export async function openInput(path: string, io: CliIo): Promise<Input> {
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  let readBytes = 0;
  const { stream, sizeBytes } = path === "-" ? { stream: io.input(), sizeBytes: 0 } : await openFile(path);
  addAbortSignal(stopping.signal, stream);
  async function* chunks(): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of stream) {
      if (!(chunk instanceof Uint8Array)) throw new TypeError("the stream does not contain bytes");
      readBytes += chunk.byteLength;
      yield chunk;
    }
  }
  async function* decoded(): AsyncGenerator<Uint8Array, void> {
    try {
      yield* decodeInput(chunks(), path);
    } catch (error) {
      if (!stopping.signal.aborted) throw error instanceof CommandError ? error : cannotRead(path, error);
    }
  }
  return {
    lines: readLines(decoded(), MAX_LINE_BYTES),
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
    throw cannotRead(path, error);
  }
}
