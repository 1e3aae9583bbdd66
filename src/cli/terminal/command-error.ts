import { errorMessage } from "../../internal/error-message.ts";
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

/** Returns the error for a file that cannot be opened or read. @param path `-` for standard input. */
export function cannotRead(path: string, error: unknown): CommandError {
  const what = path === "-" ? "standard input" : `\`${printable(path)}\``;
  return new CommandError(`Cannot read ${what}: ${systemReason(error, READ_ERRORS)}`, { cause: error });
}

/** Returns the error for a file that cannot be written. */
export function cannotWrite(path: string, error: unknown): CommandError {
  return new CommandError(`Cannot write \`${printable(path)}\`: ${systemReason(error, WRITE_ERRORS)}`, {
    cause: error,
  });
}

/** Describes an error of the operating system with the words for its code. Those of Node.js repeat the path. */
export function systemReason(error: unknown, words: Readonly<Record<string, string>>): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const known = words[code];
  return known === undefined ? errorMessage(error) : `${known} (${code})`;
}

const READ_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file; check the path",
  ENOTDIR: "a part of its path is not a folder; check the path",
  EISDIR: "it is a folder; name one of its files",
  EACCES: "this user may not read it; change its permissions or the user",
  EMFILE: "this process has too many open files; raise the limit (ulimit -n)",
  Z_BUF_ERROR: "its gzip data ends too early; copy or download it again",
  Z_DATA_ERROR: "its gzip data is damaged; copy or download it again",
};

const WRITE_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: "its folder does not exist; create it",
  ENOTDIR: "a part of its path is not a folder; check the path",
  EISDIR: "it is a folder; name a file",
  EACCES: "this user may not write it; change its permissions or the user",
  EROFS: "its file system is read-only; choose another path",
  ENOSPC: "the disk is full",
};
