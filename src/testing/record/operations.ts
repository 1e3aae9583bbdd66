import { isStoreUnavailable } from "../../errors.ts";
import type { Acknowledged, Failed, Invoked, Seen } from "../../history/history.ts";
import type { Entry } from "../../model/store.ts";

/** An operation as it is sent. */
export type OperationRequest = Omit<Invoked, "type" | "op">;

/** The result of an operation: what the store returned, or a conflict with what it holds. */
export type OperationResult = Omit<Acknowledged, "op"> | Omit<Failed, "op">;

/** A write that met another revision than it expected, with the entry that the store holds if it returned one. */
export function conflictResult(current?: Entry): OperationResult {
  return { type: "fail", because: "conflict", ...(current === undefined ? {} : recordedEntry(current)) };
}

/** The part of an entry that a history records. */
export function recordedEntry({ revision, record }: Entry): Pick<Acknowledged, "revision" | "token" | "state"> {
  return { revision, token: record.token, state: record.state };
}

/** Numbers the operations of one process, and records each when it is sent and when it has ended. */
export class Operations {
  readonly #note: (seen: Seen) => void;
  #count = 0;

  constructor(note: (seen: Seen) => void) {
    this.#note = note;
  }

  async record<Response>(
    request: OperationRequest,
    send: () => Promise<Response>,
    resultOf: (response: Response) => OperationResult,
  ): Promise<Response> {
    const op = ++this.#count;
    this.#note({ type: "invoke", op, ...request });
    let response: Response;
    try {
      response = await send();
    } catch (error) {
      const isRefused = isStoreUnavailable(error) && !error.ambiguous;
      this.#note(
        isRefused ? { type: "fail", op, because: "refused" } : { type: "unknown", op, because: String(error) },
      );
      throw error;
    }
    this.#note({ op, ...resultOf(response) });
    return response;
  }
}
