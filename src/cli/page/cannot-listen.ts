import { CommandError, systemReason } from "../terminal/command-error.ts";
import { printable } from "../terminal/printable.ts";

/** Returns a function that throws an error of the operating system, such as an address in use, as a {@link CommandError}. */
export function cannotListen(host: string, port: number): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    throw new CommandError(`Cannot listen at ${printable(host)}, port ${port}: ${systemReason(error, LISTEN_ERRORS)}`, {
      cause: error,
    });
  };
}

const LISTEN_ERRORS: Readonly<Record<string, string>> = {
  EADDRINUSE: "another process uses it; give another --port, or none for any free one",
  EACCES: "this user may not use the port; give one above 1023",
  EADDRNOTAVAIL: "this machine does not have the address; correct --host",
  ENOTFOUND: "its name cannot be resolved; correct --host",
  EAI_AGAIN: "its name cannot be resolved at the moment; try again, or give an address",
};
