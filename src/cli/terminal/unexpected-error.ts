/** Describes a bug of Latchkey, with its stack trace. */
export function unexpectedError(error: unknown): string {
  const details = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `Unexpected error. Please report it: ${details}`;
}
