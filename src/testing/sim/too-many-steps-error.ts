/** A run did not end within the limit of steps. */
export class TooManyStepsError extends RangeError {
  override readonly name = "TooManyStepsError";

  constructor(
    message = "The run did not end within the limit of steps. Make the scope smaller, or look for work that never ends",
  ) {
    super(message);
  }
}
