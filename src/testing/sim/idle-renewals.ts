import type { HistoryLine } from "../../history/history.ts";

/** A run with more renewals of one idle reservation has no other end. */
const MAX_IDLE_RENEWALS = 10;

/** Detects a reservation that a process keeps renewing although it handles no delivery and runs no effect. */
export class IdleRenewals {
  readonly #busy = new Map<string, number>();
  readonly #renewals = new Map<string, number>();
  #isEndless = false;

  get isEndless(): boolean {
    return this.#isEndless;
  }

  observe(line: HistoryLine): void {
    switch (line.type) {
      case "delivered":
      case "effect.began":
        this.#busy.set(line.process, (this.#busy.get(line.process) ?? 0) + 1);
        return;
      case "answered":
      case "effect.ended":
        this.#busy.set(line.process, (this.#busy.get(line.process) ?? 0) - 1);
        return;
      case "invoke":
        if (line.operation === "renew" && (this.#busy.get(line.process) ?? 0) === 0) this.#count(line.token ?? "");
        return;
    }
  }

  #count(token: string): void {
    const renewals = (this.#renewals.get(token) ?? 0) + 1;
    this.#renewals.set(token, renewals);
    if (renewals > MAX_IDLE_RENEWALS) this.#isEndless = true;
  }
}
