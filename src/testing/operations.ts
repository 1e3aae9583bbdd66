import { isStoreUnavailable } from "../errors.ts";
import type { Invoked, Seen } from "../history.ts";
import type { Revision } from "../store.ts";

/** An operation as it is sent. */
export type Sent = Omit<Invoked, "type" | "op">;

/** How an operation ended: the revision that its answer tells of, or that it met another one. */
export type Ending =
  | { readonly type: "ok"; readonly revision?: Revision; readonly value?: unknown }
  | { readonly type: "fail"; readonly because: "conflict"; readonly revision?: Revision };

/** A write that met another revision than it expected. */
export function conflict(revision?: Revision): Ending {
  return { type: "fail", because: "conflict", ...(revision === undefined ? {} : { revision }) };
}

/** Numbers the operations of one process, and notes each when it is sent and when it has ended. */
export class Operations {
  readonly #note: (seen: Seen) => void;
  #count = 0;

  constructor(note: (seen: Seen) => void) {
    this.#note = note;
  }

  async record<Answer>(sent: Sent, ask: () => Promise<Answer>, endingOf: (answer: Answer) => Ending): Promise<Answer> {
    const op = ++this.#count;
    this.#note({ type: "invoke", op, ...sent });
    let answer: Answer;
    try {
      answer = await ask();
    } catch (error) {
      const isRefused = isStoreUnavailable(error) && !error.ambiguous;
      this.#note(
        isRefused ? { type: "fail", op, because: "refused" } : { type: "unknown", op, because: String(error) },
      );
      throw error;
    }
    this.#note({ op, ...endingOf(answer) });
    return answer;
  }
}
