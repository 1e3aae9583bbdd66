import { createInterface } from "node:readline";
import { onAbort } from "../../internal/abort.ts";
import type { CliIo } from "../terminal/io.ts";

/** Asks for confirmation at the terminal. Only an explicit yes confirms. */
export async function isConfirmed(question: string, io: CliIo, signal: AbortSignal): Promise<boolean> {
  await io.err.write(question);
  const lines = createInterface({ input: io.input(), terminal: false });
  try {
    const answer = await new Promise<string>((resolve) => {
      const leave = onAbort(signal, () => lines.close());
      lines.once("line", resolve);
      lines.once("close", () => {
        leave();
        resolve("");
      });
    });
    return /^\s*y(es)?\s*$/i.test(answer);
  } finally {
    lines.close();
  }
}
