import { isStoreUnavailable } from "../../errors.ts";
import type { Acknowledged, Failed, Invoked, Seen } from "../../history/history.ts";
import type { Entry } from "../../model/store.ts";

/** An operation as it is sent. */
export type Sent = Omit<Invoked, "type" | "op">;

/** How an operation ended: with what its answer tells of, or in conflict with that. */
export type Ending = Omit<Acknowledged, "op"> | Omit<Failed, "op">;

/** A write that met another revision than it expected; perhaps it is told which. */
export function conflict(current?: Entry): Ending {
  return { type: "fail", because: "conflict", ...(current === undefined ? {} : standing(current)) };
}

/** What a record that stands there is recorded as. */
export function standing({ revision, record }: Entry): Pick<Acknowledged, "revision" | "token" | "state"> {
  return { revision, token: record.token, state: record.state };
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
