import type { Sink } from "./io.ts";

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36 } as const;

export type Colour = keyof typeof codes;

/** Colours a text, where the sink shows colours. */
export type Paint = (colour: Colour, text: string) => string;

export function painter(sink: Sink): Paint {
  return sink.hasColours ? (colour, text) => `\u001b[${codes[colour]}m${text}\u001b[0m` : (_, text) => text;
}

const LONGEST = 100;

/** Text of others for a person's terminal: on one line, not endless, and without the characters that steer terminals. */
export function printable(text: string): string {
  return harmless(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);
}

/** Text of others, however long, on one line and without the characters that steer terminals. */
export function harmless(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

export function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${grouped.format(number)} ${number === 1 ? noun : plural}`;
}

export function amount(number: number): string {
  return grouped.format(number);
}

export function seconds(durationMs: number): string {
  return `${(durationMs / 1_000).toFixed(durationMs < 10_000 ? 1 : 0)} s`;
}

const UNITS = [
  { name: "d", ms: 86_400_000 },
  { name: "h", ms: 3_600_000 },
  { name: "min", ms: 60_000 },
  { name: "s", ms: 1_000 },
] as const;

/** A duration for a person, in the two largest units that it has: `3 h 12 min`. */
export function span(durationMs: number): string {
  const wholeMs = Math.max(0, Math.round(durationMs / 1_000) * 1_000);
  const first = UNITS.findIndex(({ ms }) => wholeMs >= ms);
  const [large, small] = first === -1 ? [] : UNITS.slice(first);
  if (large === undefined) return "0 s";
  const count = Math.floor(wholeMs / large.ms);
  const rest = small === undefined ? 0 : Math.floor((wholeMs % large.ms) / small.ms);
  return `${count} ${large.name}${small === undefined || rest === 0 ? "" : ` ${rest} ${small.name}`}`;
}
