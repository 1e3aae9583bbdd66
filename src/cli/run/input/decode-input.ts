import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { CommandError } from "../../terminal/command-error.ts";
import { printable } from "../../terminal/printable.ts";

/**
 * Decodes an input to UTF-8 lines: decompresses gzip and removes a byte order mark. Detects other formats from the first bytes.
 * @param path `-` for standard input.
 * @throws {CommandError} for another format, with the command that converts it.
 */
export function decodeInput(source: AsyncIterable<Uint8Array, void>, path: string): AsyncGenerator<Uint8Array, void> {
  return decodeBytes(source[Symbol.asyncIterator](), { path, isCompressed: false });
}

/** Origin of the bytes, for the command that converts them. */
interface Origin {
  readonly path: string;
  readonly isCompressed: boolean;
}

async function* decodeBytes(chunks: AsyncIterator<Uint8Array, void>, origin: Origin): AsyncGenerator<Uint8Array, void> {
  const head = await readHead(chunks, Buffer.alloc(0), (bytes) => bytes.byteLength >= MAGIC_BYTES);
  if (startsWith(head, [0x1f, 0x8b])) {
    const gunzip = createGunzip();
    // An error of the pipeline also destroys the gunzip stream, which then throws it below.
    pipeline(Readable.from(rest(head, chunks)), gunzip).catch(() => {});
    yield* decodeBytes(gunzip[Symbol.asyncIterator](), { ...origin, isCompressed: true });
    return;
  }
  const binary = BINARY_FORMATS.find(({ magics }) => magics.some((magic) => startsWith(head, magic)));
  if (binary !== undefined) throw wrongFormat(binary.name, binary.command, origin);
  yield* decodeText(chunks, head, origin);
}

const MAGIC_BYTES = 6;

interface Format {
  readonly name: string;
  readonly magics: ReadonlyArray<readonly number[]>;
  /** Command that writes UTF-8 lines to standard output. */
  readonly command: string;
}

/** Any byte but NUL. JSON begins with an ASCII character, whatever its encoding. */
const NOT_NUL = -1;

/** Formats by their first bytes. UTF-32 comes before UTF-16, whose byte order mark it contains. */
const BINARY_FORMATS: readonly Format[] = [
  {
    name: "UTF-32",
    magics: [
      [0xff, 0xfe, 0, 0],
      [0, 0, 0xfe, 0xff],
      [NOT_NUL, 0, 0, 0],
      [0, 0, 0, NOT_NUL],
    ],
    command: "iconv -f UTF-32 -t UTF-8",
  },
  {
    name: "UTF-16",
    magics: [
      [0xff, 0xfe],
      [0xfe, 0xff],
    ],
    command: "iconv -f UTF-16 -t UTF-8",
  },
  { name: "UTF-16", magics: [[NOT_NUL, 0]], command: "iconv -f UTF-16LE -t UTF-8" },
  { name: "UTF-16", magics: [[0, NOT_NUL]], command: "iconv -f UTF-16BE -t UTF-8" },
  { name: "compressed with zstd", magics: [[0x28, 0xb5, 0x2f, 0xfd]], command: "zstdcat" },
  { name: "compressed with bzip2", magics: [[0x42, 0x5a, 0x68]], command: "bzcat" },
  { name: "compressed with xz", magics: [[0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]], command: "xzcat" },
  { name: "compressed with LZ4", magics: [[0x04, 0x22, 0x4d, 0x18]], command: "lz4 -dc" },
  { name: "a JSON text sequence", magics: [[0x1e]], command: "tr -d '\\036' <" },
  { name: "a ZIP archive", magics: [[0x50, 0x4b, 0x03, 0x04]], command: "unzip -p" },
];

/** Maximum number of bytes in which the first line that is not blank is examined. */
const HEAD_BYTES = 64 * 1024;
const NEWLINE = 0x0a;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const SPACE: ReadonlySet<number> = new Set([...BYTE_ORDER_MARK, 0x20, 0x09, NEWLINE, 0x0d]);

async function* decodeText(
  chunks: AsyncIterator<Uint8Array, void>,
  start: Buffer,
  origin: Origin,
): AsyncGenerator<Uint8Array, void> {
  // The first line is needed before anything can be dispatched, so waiting for its end delays nothing.
  const hasFirstLine = (bytes: Buffer): boolean => bytes.indexOf(NEWLINE, contentStart(bytes)) !== -1;
  const head = await readHead(chunks, start, (bytes) => hasFirstLine(bytes) || bytes.byteLength >= HEAD_BYTES);
  const text = startsWith(head, BYTE_ORDER_MARK) ? head.subarray(BYTE_ORDER_MARK.length) : head;
  const layout = layoutOf(text);
  if (layout !== undefined) throw wrongFormat(layout.name, layout.command, origin);
  yield* rest(text, chunks);
}

/** Returns the position of the first byte that is no white space; the length if there is none. */
function contentStart(bytes: Buffer): number {
  const at = bytes.findIndex((byte) => !SPACE.has(byte));
  return at === -1 ? bytes.byteLength : at;
}

function layoutOf(text: Buffer): Pick<Format, "name" | "command"> | undefined {
  // A file in a tar archive begins with a block of 512 bytes.
  if (text.toString("latin1", 257, 262) === "ustar") return { name: "a tar archive", command: "tar -xO <" };
  const start = contentStart(text);
  const end = text.indexOf(NEWLINE, start);
  const firstLine = text.toString("utf8", start, end === -1 ? text.byteLength : end);
  const firstObject = firstLine.slice(0, firstLine.search(/\}[ \t]*\{/) + 1);
  if (isJson(firstObject)) return { name: "JSON with several objects in a line", command: "jq -c ." };
  if (end === -1) {
    const [beforeReturn = "", ...others] = firstLine.split("\r");
    const hasReturns = others.length > 0 && isJson(beforeReturn);
    return hasReturns ? { name: "text with CR line ends", command: "tr '\\r' '\\n' <" } : undefined;
  }
  if (!/^[{[]/.test(firstLine) || isJson(firstLine)) return undefined;
  const isList = firstLine.startsWith("[");
  const isOpen = /[,:{[]\s*$/.test(firstLine) || isJson(`${firstLine}${isList ? "]" : "}"}`);
  if (!isOpen) return undefined;
  return { name: "JSON over several lines", command: isList ? "jq -c '.[]'" : "jq -c ." };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

async function readHead(
  chunks: AsyncIterator<Uint8Array, void>,
  start: Buffer,
  isEnough: (bytes: Buffer) => boolean,
): Promise<Buffer> {
  let head = start;
  while (!isEnough(head)) {
    const { done, value } = await chunks.next();
    if (done === true) break;
    head = head.byteLength === 0 ? Buffer.from(value) : Buffer.concat([head, value]);
  }
  return head;
}

async function* rest(head: Uint8Array, chunks: AsyncIterator<Uint8Array, void>): AsyncGenerator<Uint8Array, void> {
  yield head;
  for (;;) {
    const { done, value } = await chunks.next();
    if (done === true) return;
    yield value;
  }
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return (
    bytes.byteLength >= magic.length &&
    magic.every((byte, at) => (byte === NOT_NUL ? bytes[at] !== 0 : bytes[at] === byte))
  );
}

function wrongFormat(name: string, command: string, { path, isCompressed }: Origin): CommandError {
  const applied = (to: string): string => (path === "-" ? `… | ${to.replace(/ <$/, "")}` : `${to} ${printable(path)}`);
  const converted = isCompressed ? `${applied("gzip -dc")} | ${command.replace(/ <$/, "")}` : applied(command);
  return new CommandError(
    `The input is ${name}, not UTF-8 with one JSON object per line. Convert it: ${converted} | latchkey run --file - …`,
  );
}
