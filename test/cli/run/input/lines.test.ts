import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type InputLine, readLines } from "../../../../src/cli/run/input/lines.ts";

async function* chunked(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array, void> {
  let at = 0;
  for (const size of sizes) {
    yield bytes.subarray(at, at + size);
    at += size;
  }
  yield bytes.subarray(at);
}

async function linesOf(bytes: Uint8Array, sizes: readonly number[] = [], maxBytes = 1_000): Promise<InputLine[]> {
  const lines: InputLine[] = [];
  for await (const line of readLines(chunked(bytes, sizes), maxBytes)) lines.push(line);
  return lines;
}

const withoutNewline = fc.uint8Array({ maxLength: 40 }).map((bytes) => bytes.filter((byte) => byte !== 0x0a));

describe("lines of the input", () => {
  it("do not depend on the chunks of the input", async () => {
    const chunkSizes = fc.array(fc.nat({ max: 30 }), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(fc.array(withoutNewline), chunkSizes, fc.boolean(), async (lines, sizes, endsWithNewline) => {
        const bytes = Buffer.concat(lines.flatMap((line, index) => (index === 0 ? [line] : [Buffer.from("\n"), line])));
        const found = await linesOf(endsWithNewline ? Buffer.concat([bytes, Buffer.from("\n")]) : bytes, sizes);
        const expected = lines.flatMap((line, index) =>
          line.every((byte) => [0x20, 0x09, 0x0d].includes(byte))
            ? []
            : [{ number: index + 1, bytes: Buffer.from(line) }],
        );
        expect(found).toEqual(expected);
      }),
    );
  });

  it("are skipped and counted if they are too long", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 50 }), fc.array(fc.nat({ max: 20 })), async (length, sizes) => {
        const found = await linesOf(Buffer.from(`a\n${"x".repeat(length)}\nb`), sizes, 10);
        const middle =
          length > 10 ? { number: 2, tooLongBytes: length } : { number: 2, bytes: Buffer.from("x".repeat(length)) };
        expect(found).toEqual([{ number: 1, bytes: Buffer.from("a") }, middle, { number: 3, bytes: Buffer.from("b") }]);
      }),
    );
  });

  it("are not buffered if they are too long", async () => {
    const MEGABYTE = 1024 * 1024;
    let heldBytes = 0;
    async function* long(): AsyncGenerator<Uint8Array, void> {
      const before = process.memoryUsage().arrayBuffers;
      for (let megabytes = 0; megabytes < 400; megabytes += 1) yield Buffer.alloc(MEGABYTE, "x");
      heldBytes = process.memoryUsage().arrayBuffers - before;
    }
    const found: InputLine[] = [];
    for await (const line of readLines(long(), MEGABYTE)) found.push(line);
    expect(found).toEqual([{ number: 1, tooLongBytes: 400 * MEGABYTE }]);
    expect(heldBytes).toBeLessThan(200 * MEGABYTE);
  });

  it("are read on demand", async () => {
    let chunks = 0;
    async function* endless(): AsyncGenerator<Uint8Array, void> {
      for (;;) {
        chunks += 1;
        yield Buffer.from("line\n");
      }
    }
    const lines = readLines(endless(), 100);
    await lines.next();
    await lines.next();
    expect(chunks).toBe(2);
  });
});
