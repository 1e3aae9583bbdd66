import { callListener } from "./call-listener.ts";

/** Functions that are called with every message. */
export class Listeners<Message> {
  readonly #listeners = new Set<(message: Message) => void>();

  /** Check this before assembling a message. */
  get isEmpty(): boolean {
    return this.#listeners.size === 0;
  }

  /** Calls `listener` with every message until the returned function is called. */
  add(listener: (message: Message) => void): () => void {
    // A wrapper for each subscription, so that one function can be subscribed several times.
    const subscription = (message: Message): void => listener(message);
    this.#listeners.add(subscription);
    return () => {
      this.#listeners.delete(subscription);
    };
  }

  /** An error of a listener becomes an uncaught exception, and changes nothing here. */
  call(message: Message): void {
    for (const listener of this.#listeners) callListener(listener, message);
  }
}
