import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeInput } from "../../../../src/cli/run/input/decode-input.ts";
import { CommandError } from "../../../../src/cli/terminal/command-error.ts";

async function* chunked(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array, void> {
  let at = 0;
  for (const size of sizes) {
    yield bytes.subarray(at, at + size);
    at += size;
  }
  yield bytes.subarray(at);
}

async function decoded(bytes: Uint8Array, sizes: readonly number[] = [], path = "-"): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of decodeInput(chunked(bytes, sizes), path)) parts.push(part);
  return Buffer.concat(parts);
}

const LINES = '{"id":"1","text":"€"}\n{"id":"2"}\n';
const sizes = fc.array(fc.nat({ max: 9 }), { maxLength: 30 });
const MARK = Buffer.from([0xef, 0xbb, 0xbf]);

describe("the input", () => {
  it("is read as it is if it is UTF-8, however it is chunked", async () => {
    const text = fc.string({ unit: "grapheme" }).map((line) => `${JSON.stringify(line)}\n`);
    await fc.assert(
      fc.asyncProperty(fc.array(text), sizes, async (lines, chunks) => {
        const bytes = Buffer.from(lines.join(""));
        expect(await decoded(bytes, chunks)).toEqual(bytes);
      }),
    );
  });

  it("is read without its byte order mark, and decompressed, however it is chunked", async () => {
    const plain = Buffer.from(LINES);
    const marked = Buffer.concat([MARK, plain]);
    const members = Buffer.concat([gzipSync(LINES.slice(0, 5)), gzipSync(LINES.slice(5))]);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(marked, gzipSync(plain), gzipSync(marked), gzipSync(gzipSync(plain)), members),
        sizes,
        async (bytes, chunks) => {
          expect((await decoded(bytes, chunks)).toString()).toBe(LINES);
        },
      ),
    );
  });

  it("is refused if it is truncated gzip", async () => {
    await expect(decoded(gzipSync(LINES).subarray(0, 20))).rejects.toThrow("unexpected end of file");
  });

  const utf16 = Buffer.from(LINES, "utf16le");
  const bigEndian = Buffer.from(utf16).swap16();

  const tar = Buffer.concat([
    Buffer.from("events.ndjson".padEnd(257, "\0") + "ustar".padEnd(255, "\0")),
    Buffer.from(LINES),
  ]);

  it.each<readonly [name: string, bytes: Buffer, conversion: string]>([
    ["UTF-16", Buffer.concat([Buffer.from([0xff, 0xfe]), utf16]), "iconv -f UTF-16 -t UTF-8 events.log"],
    ["UTF-16", Buffer.concat([Buffer.from([0xfe, 0xff]), bigEndian]), "iconv -f UTF-16 -t UTF-8 events.log"],
    ["UTF-16", utf16, "iconv -f UTF-16LE -t UTF-8 events.log"],
    ["UTF-16", bigEndian, "iconv -f UTF-16BE -t UTF-8 events.log"],
    ["UTF-32", Buffer.from([0xff, 0xfe, 0, 0, 0x7b, 0, 0, 0]), "iconv -f UTF-32 -t UTF-8 events.log"],
    ["compressed with zstd", Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0]), "zstdcat events.log"],
    ["compressed with bzip2", Buffer.from("BZh91AY"), "bzcat events.log"],
    ["compressed with xz", Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), "xzcat events.log"],
    ["compressed with LZ4", Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x64, 0x40]), "lz4 -dc events.log"],
    ["a JSON text sequence", Buffer.from('\u001e{"a":1}\n\u001e{"a":2}\n'), "tr -d '\\036' < events.log"],
    ["a tar archive", tar, "tar -xO < events.log"],
    ["a tar archive", gzipSync(tar), "gzip -dc events.log | tar -xO"],
    ["JSON with several objects in a line", Buffer.from('{"a":1}{"a":2}\n'), "jq -c . events.log"],
    ["JSON with several objects in a line", Buffer.from('{"a":1} {"a":2}'), "jq -c . events.log"],
    ["a ZIP archive", Buffer.from("PK\u0003\u0004...."), "unzip -p events.log"],
    ["JSON over several lines", Buffer.from(JSON.stringify({ a: 1 }, null, 2)), "jq -c . events.log"],
    ["JSON over several lines", Buffer.from(JSON.stringify([{ a: 1 }], null, 2)), "jq -c '.[]' events.log"],
    ["JSON over several lines", Buffer.from('{ "a": 1,\n  "b": 2 }\n'), "jq -c . events.log"],
    ["JSON over several lines", gzipSync(JSON.stringify({ a: 1 }, null, 2)), "gzip -dc events.log | jq -c ."],
    ["text with CR line ends", Buffer.from(LINES.replaceAll("\n", "\r")), "tr '\\r' '\\n' < events.log"],
    ["UTF-16", gzipSync(utf16), "gzip -dc events.log | iconv -f UTF-16LE -t UTF-8"],
    ["UTF-16", Buffer.from(`\r\n${LINES}`, "utf16le"), "iconv -f UTF-16LE -t UTF-8 events.log"],
    ["UTF-32", Buffer.from([0x0a, 0, 0, 0, 0x7b, 0, 0, 0]), "iconv -f UTF-32 -t UTF-8 events.log"],
    ["JSON over several lines", Buffer.from('\n \r\n{\n  "a": 1\n}\n'), "jq -c . events.log"],
    ["JSON over several lines", Buffer.from('{ "a": 1\n, "b": 2 }\n'), "jq -c . events.log"],
    ["JSON over several lines", Buffer.from('[ {"a":1}\n, {"a":2} ]\n'), "jq -c '.[]' events.log"],
    ["text with CR line ends", gzipSync(LINES.replaceAll("\n", "\r")), "gzip -dc events.log | tr '\\r' '\\n'"],
  ])("is refused if it is %s, with the command that converts it (%#)", async (name, bytes, conversion) => {
    await fc.assert(
      fc.asyncProperty(sizes, async (chunks) => {
        const error: unknown = await decoded(bytes, chunks, "events.log").catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(CommandError);
        expect(String(error)).toContain(`The input is ${name}, `);
        expect(String(error)).toContain(`Convert it: ${conversion} | latchkey run --file - …`);
      }),
      { numRuns: 20 },
    );
  });

  it.each([
    "",
    "\n",
    "x\n",
    '{"a":"\\r"}\n',
    '{"a":1}\r\n{"a":2}\r\n',
    "nonsense\r",
    "{broken\n",
    '{"a":"}{"}\n',
    '{"a":1}',
    "[1]\n",
    "[2026-11-30] log\n{\n",
  ])("is passed on as it is: %j", async (text) => {
    expect((await decoded(Buffer.from(text))).toString()).toBe(text);
  });
});
