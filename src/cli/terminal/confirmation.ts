import { createInterface } from "node:readline";
import { onAbort } from "../../internal/abort.ts";
import { CommandError } from "./command-error.ts";
import type { CliIo } from "./io.ts";

export interface ConfirmationRequest {
  readonly question: string;
  /** First sentence of a refusal to ask, such as "Nothing was cleared". */
  readonly otherwise: string;
  /** True if the output is for a script, which cannot answer. */
  readonly json: boolean;
}

/** Asks for confirmation at the terminal. Only an explicit yes confirms. @throws {CommandError} without a terminal to ask. */
export async function isConfirmed(
  { question, otherwise, json }: ConfirmationRequest,
  io: CliIo,
  signal: AbortSignal,
): Promise<boolean> {
  if (json || !io.inputIsTerminal || !io.err.isTerminal)
    throw new CommandError(`${otherwise}: without a terminal to ask, give --yes`);
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
