/** Returns the message of any thrown value. A connection that fails at each address of a host has one message per address. */
export function errorMessage(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") return error.errors.map(errorMessage).join(", ");
  return error instanceof Error ? error.message || error.name : String(error);
}

/** Describes a bug of Latchkey, with its stack trace. */
export function unexpectedError(error: unknown): string {
  const details = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `Unexpected error. Please report it: ${details}`;
}
