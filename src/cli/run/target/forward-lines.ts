import type { Readable } from "node:stream";

/** Length at which an incomplete line is forwarded, in characters. */
const MAX_HELD_LENGTH = 64 * 1024;

/** Forwards the output of a command by whole lines. */
export function forwardLines(output: Readable, onOutput: (text: string) => void): void {
  let held = "";
  let isLineOpen = false;
  const forward = (end: number): void => {
    if (end === 0) return;
    onOutput(held.slice(0, end));
    isLineOpen = held[end - 1] !== "\n";
    held = held.slice(end);
  };
  output.setEncoding("utf8").on("data", (text: string) => {
    held += text;
    forward(held.length > MAX_HELD_LENGTH ? held.length : held.lastIndexOf("\n") + 1);
  });
  output.once("close", () => {
    if (held !== "" || isLineOpen) held += "\n";
    forward(held.length);
  });
}
