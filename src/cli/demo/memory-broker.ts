import type { Clock } from "../../internal/clock.ts";
import type { Answer, BrokerBooks } from "./world.ts";

/** A message in somebody's hands, until it is answered or its time is up. An answer that comes too late does nothing. */
export interface BrokerDelivery {
  readonly id: string;
  readonly line: string;
  /** How often the message was delivered so far, this time included. */
  readonly count: number;
  acknowledge(): void;
  putBack(delayMs: number): void;
  /** Says that the message is not forgotten. */
  working(): void;
}

interface Message {
  readonly number: number;
  readonly line: string;
  deliveries: number;
  /** Which delivery may answer; 0 when none. */
  inHand: number;
}

/** A broker in memory, at least once: what is not acknowledged in time is delivered again. */
export class MemoryBroker {
  readonly #clock: Clock;
  readonly #ackWaitMs: number;
  readonly #ready: Message[] = [];
  readonly #takers = new Set<(message: Message) => void>();
  readonly #answers = new Map<string, Answer>();
  #messages = 0;
  #acknowledged = 0;
  #deliveries = 0;

  constructor(clock: Clock, ackWaitMs: number) {
    this.#clock = clock;
    this.#ackWaitMs = ackWaitMs;
  }

  /** Whether every message has been acknowledged. */
  get isIdle(): boolean {
    return this.#acknowledged === this.#messages;
  }

  get books(): BrokerBooks {
    return { deliveries: this.#deliveries, answers: this.#answers };
  }

  publish(line: string): void {
    this.#messages += 1;
    this.#offer({ number: this.#messages, line, deliveries: 0, inHand: 0 });
  }

  /** The next message; never, when `signal` aborts first. */
  next(signal: AbortSignal): Promise<BrokerDelivery> {
    const message = this.#ready.shift();
    if (message !== undefined) return Promise.resolve(this.#deliver(message));
    return new Promise((resolve) => {
      const leave = (): void => void this.#takers.delete(take);
      const take = (taken: Message): void => {
        signal.removeEventListener("abort", leave);
        resolve(this.#deliver(taken));
      };
      this.#takers.add(take);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  #offer(message: Message): void {
    const [taker] = this.#takers;
    if (taker === undefined) {
      this.#ready.push(message);
      return;
    }
    this.#takers.delete(taker);
    taker(message);
  }

  #deliver(message: Message): BrokerDelivery {
    this.#deliveries += 1;
    message.deliveries += 1;
    message.inHand = message.deliveries;
    const count = message.deliveries;
    const id = `${message.number}.${count}`;
    const startWait = (): (() => void) =>
      this.#clock.schedule(this.#ackWaitMs, () => {
        message.inHand = 0;
        this.#offer(message);
      });
    let cancel = startWait();
    const answer = (as: Answer): boolean => {
      if (message.inHand !== count) return false;
      message.inHand = 0;
      cancel();
      this.#answers.set(id, as);
      return true;
    };
    return {
      id,
      line: message.line,
      count,
      acknowledge: () => {
        if (answer("acknowledged")) this.#acknowledged += 1;
      },
      putBack: (delayMs) => {
        if (answer("put back")) this.#clock.schedule(delayMs, () => this.#offer(message));
      },
      working: () => {
        if (message.inHand !== count) return;
        cancel();
        cancel = startWait();
      },
    };
  }
}
