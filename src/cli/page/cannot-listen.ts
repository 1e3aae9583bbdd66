import { CommandError } from "../terminal/command-error.ts";
import { errorMessage } from "../terminal/error-message.ts";
import { printable } from "../terminal/printable.ts";

/** Returns a function that throws an error of the operating system, such as an address in use, as a {@link CommandError}. */
export function cannotListen(host: string, port: number): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    throw new CommandError(`Cannot listen at ${printable(host)}, port ${port}: ${errorMessage(error)}`, {
      cause: error,
    });
  };
}
