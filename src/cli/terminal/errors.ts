/** The command cannot do what was asked at all: its arguments, its input, its target or its server are unusable. */
export class UnusableError extends Error {
  override readonly name: string = "UnusableError";
}

/** What is wrong with a setting is said to the person who made it, in the words of whoever noticed. */
export function usable<Value>(make: () => Value): Value {
  try {
    return make();
  } catch (error) {
    throw asUnusable(error);
  }
}

/** As {@link usable}, for what is made asynchronously. */
export async function usableAsync<Value>(make: () => Promise<Value>): Promise<Value> {
  try {
    return await make();
  } catch (error) {
    throw asUnusable(error);
  }
}

function asUnusable(error: unknown): unknown {
  const isWrongArgument = error instanceof TypeError || error instanceof RangeError;
  return isWrongArgument ? new UnusableError(error.message, { cause: error }) : error;
}
