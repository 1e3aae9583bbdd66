import { LatchkeyError } from "../errors.ts";

/** A later holder of the reservation already left its marker. The effect did not run. */
export class FencedError extends LatchkeyError {
  override readonly name: string = "FencedError";
  /** Idempotency key of the event. */
  readonly key: string;
  /** Fence of the refused caller. */
  readonly fence: number;
  /** Highest fence among the markers of the key. */
  readonly storedFence: number;

  constructor(key: string, fence: number, storedFence: number) {
    super(
      "fenced",
      `The effect of ${key} was refused: its fence ${fence} is lower than ${storedFence}, that of a later holder. Roll back and stop`,
    );
    this.key = key;
    this.fence = fence;
    this.storedFence = storedFence;
  }
}
