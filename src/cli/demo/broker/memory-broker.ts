import type { Clock } from "../../../internal/clock.ts";
import type { BrokerAnswer, BrokerRecords } from "./backend.ts";

/** A delivery of a message. It can be answered once, until its time limit; later answers are ignored. */
export interface BrokerDelivery {
  readonly id: string;
  readonly line: string;
  /** Number of deliveries of the message, including this one. */
  readonly count: number;
  acknowledge(): void;
  nak(delayMs: number): void;
  /** Extends the time limit: an in-progress ack. */
  inProgress(): void;
}

interface Message {
  readonly number: number;
  readonly line: string;
  deliveries: number;
  /** Number of the delivery that may answer; 0 if none. */
  openDelivery: number;
}

/** An in-memory broker with at-least-once delivery: unacknowledged messages are redelivered. */
export class MemoryBroker {
  readonly #clock: Clock;
  readonly #ackWaitMs: number;
  readonly #ready: Message[] = [];
  readonly #waiting = new Set<(message: Message) => void>();
  readonly #answers = new Map<string, BrokerAnswer>();
  #messages = 0;
  #acknowledged = 0;
  #deliveries = 0;

  constructor(clock: Clock, ackWaitMs: number) {
    this.#clock = clock;
    this.#ackWaitMs = ackWaitMs;
  }

  /** True once every message is acknowledged. */
  get isIdle(): boolean {
    return this.#acknowledged === this.#messages;
  }

  get records(): BrokerRecords {
    return { deliveries: this.#deliveries, answers: this.#answers };
  }

  publish(line: string): void {
    this.#messages += 1;
    this.#offer({ number: this.#messages, line, deliveries: 0, openDelivery: 0 });
  }

  /** Resolves with the next delivery. Never resolves if `signal` aborts first. */
  next(signal: AbortSignal): Promise<BrokerDelivery> {
    const message = this.#ready.shift();
    if (message !== undefined) return Promise.resolve(this.#deliver(message));
    return new Promise((resolve) => {
      const leave = (): void => void this.#waiting.delete(take);
      const take = (taken: Message): void => {
        signal.removeEventListener("abort", leave);
        resolve(this.#deliver(taken));
      };
      this.#waiting.add(take);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  #offer(message: Message): void {
    const [waiter] = this.#waiting;
    if (waiter === undefined) {
      this.#ready.push(message);
      return;
    }
    this.#waiting.delete(waiter);
    waiter(message);
  }

  #deliver(message: Message): BrokerDelivery {
    this.#deliveries += 1;
    message.deliveries += 1;
    message.openDelivery = message.deliveries;
    const count = message.deliveries;
    const id = `${message.number}.${count}`;
    const startWait = (): (() => void) =>
      this.#clock.schedule(this.#ackWaitMs, () => {
        message.openDelivery = 0;
        this.#offer(message);
      });
    let cancel = startWait();
    const answer = (as: BrokerAnswer): boolean => {
      if (message.openDelivery !== count) return false;
      message.openDelivery = 0;
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
      nak: (delayMs) => {
        if (answer("nak")) this.#clock.schedule(delayMs, () => this.#offer(message));
      },
      inProgress: () => {
        if (message.openDelivery !== count) return;
        cancel();
        cancel = startWait();
      },
    };
  }
}
