/** Returns the message of any thrown value. A connection that fails at each address of a host has one message per address. */
export function errorMessage(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") return error.errors.map(errorMessage).join(", ");
  return error instanceof Error ? error.message || error.name : String(error);
}
