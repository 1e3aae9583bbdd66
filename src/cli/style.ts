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
  const shown = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  return shown.replace(
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
