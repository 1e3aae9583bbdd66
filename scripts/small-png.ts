import { crc32, deflateSync, inflateSync } from "node:zlib";

const SIGNATURE_BYTES = 8;

/**
 * The same picture in fewer bytes. A browser compresses in a hurry, and with filters that suit photographs; what a page looks like
 * repeats itself, and is smallest without.
 */
export function smallPng(png: Buffer): Buffer {
  const pieces: Buffer[] = [];
  let header: Buffer = Buffer.alloc(0);
  for (let at = SIGNATURE_BYTES; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const type = png.toString("latin1", at + 4, at + 8);
    const data = png.subarray(at + 8, at + 8 + length);
    if (type === "IHDR") header = data;
    if (type === "IDAT") pieces.push(data);
    at += length + 12;
  }
  const bytesOfPixel = { 2: 3, 6: 4 }[header[9] ?? 0];
  if (header[8] !== 8 || bytesOfPixel === undefined || header[12] !== 0) {
    throw new Error("Expected a PNG of 8 bits a channel, in colour, not interlaced");
  }
  const rows = unfiltered(inflateSync(Buffer.concat(pieces)), header.readUInt32BE(0) * bytesOfPixel, bytesOfPixel);
  const signature = png.subarray(0, SIGNATURE_BYTES);
  const pixels = deflateSync(rows, { level: 9, memLevel: 9 });
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", pixels), chunk("IEND", Buffer.alloc(0))]);
}

/** Every row without its filter, as the PNG specification defines them; a row begins with the number of its filter. */
function unfiltered(bytes: Buffer, width: number, bytesOfPixel: number): Buffer {
  const rows = Buffer.alloc(bytes.length);
  for (let start = 0; start < bytes.length; start += width + 1) {
    const filter = bytes[start] ?? 0;
    for (let x = 1; x <= width; x += 1) {
      const at = start + x;
      const left = x > bytesOfPixel ? (rows[at - bytesOfPixel] ?? 0) : 0;
      const up = start > 0 ? (rows[at - width - 1] ?? 0) : 0;
      const corner = start > 0 && x > bytesOfPixel ? (rows[at - width - 1 - bytesOfPixel] ?? 0) : 0;
      const predicted = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter] ?? 0;
      rows[at] = (bytes[at] ?? 0) + predicted;
    }
  }
  return rows;
}

function paeth(left: number, up: number, corner: number): number {
  const estimate = left + up - corner;
  const [toLeft, toUp, toCorner] = [left, up, corner].map((value) => Math.abs(estimate - value));
  if (toLeft === undefined || toUp === undefined || toCorner === undefined) return 0;
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
