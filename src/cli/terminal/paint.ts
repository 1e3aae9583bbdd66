import type { Sink } from "./io.ts";

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36 } as const;

export type Colour = keyof typeof codes;

/** Colours a text if the sink supports colours. */
export type Paint = (colour: Colour, text: string) => string;

export function painter(sink: Sink): Paint {
  return sink.hasColours ? (colour, text) => `\u001b[${codes[colour]}m${text}\u001b[0m` : (_, text) => text;
}
