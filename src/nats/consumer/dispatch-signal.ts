import { linkedSignal } from "../../internal/abort.ts";

/** The signal of one dispatch. It is linked to its sources when it is first read: most handlers never use it (docs/performance.md). */
export class DispatchSignal {
  readonly #sources: () => readonly AbortSignal[];
  #linked: ReturnType<typeof linkedSignal> | undefined;
  #isOver = false;

  /** @param sources is called at most once. */
  constructor(sources: () => readonly AbortSignal[]) {
    this.#sources = sources;
  }

  /** Aborts with the first source. After {@link end} it no longer changes. */
  get signal(): AbortSignal {
    this.#linked ??= linkedSignal(...this.#sources());
    if (this.#isOver) this.#linked.unlink();
    return this.#linked.signal;
  }

  /** Leaves the sources, because the dispatch ended. */
  end(): void {
    this.#isOver = true;
    this.#linked?.unlink();
  }
}
