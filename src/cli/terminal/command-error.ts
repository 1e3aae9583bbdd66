import { errorMessage } from "./error-message.ts";
import { printable } from "./printable.ts";

/** A failure that ends a command with exit code 2: bad arguments, or an input, target or server it cannot use. */
export class CommandError extends Error {
  override readonly name: string = "CommandError";
}

/** Calls `make` and rethrows its argument errors as {@link CommandError}: the person chose these values. */
export function asCommandError<Value>(make: () => Value): Value {
  try {
    return make();
  } catch (error) {
    throw wrapped(error);
  }
}

/** Does the same as {@link asCommandError} for an asynchronous `make`. */
export async function asCommandErrorAsync<Value>(make: () => Promise<Value>): Promise<Value> {
  try {
    return await make();
  } catch (error) {
    throw wrapped(error);
  }
}

function wrapped(error: unknown): unknown {
  const isWrongArgument = error instanceof TypeError || error instanceof RangeError;
  return isWrongArgument ? new CommandError(error.message, { cause: error }) : error;
}

/** Returns the error for a file that cannot be opened or read. */
export function cannotRead(path: string, error: unknown): CommandError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const known = READ_ERRORS[code];
  const why = known === undefined ? errorMessage(error) : `${known} (${code})`;
  return new CommandError(`Cannot read \`${printable(path)}\`: ${why}`, { cause: error });
}

/** Reasons in words. Those of Node.js repeat the path. */
const READ_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file; check the path",
  EISDIR: "it is a folder; name one of its files",
  EACCES: "this user may not read it; change its permissions or the user",
};
