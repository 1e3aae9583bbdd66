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

  /** @param isWaiting Returns true if an effect of the process has yet to begin. */
  observe(line: HistoryLine, isWaiting: (process: string) => boolean): void {
    if (line.type === "delivered" || line.type === "effect.began") this.#changeBusy(line.process, 1);
    else if (line.type === "answered" || line.type === "effect.ended") this.#changeBusy(line.process, -1);
    else if (line.type === "invoke" && line.operation === "renew" && !this.#isBusy(line.process, isWaiting)) {
      this.#count(line.token ?? "");
    }
  }

  #isBusy(process: string, isWaiting: (process: string) => boolean): boolean {
    return (this.#busy.get(process) ?? 0) > 0 || isWaiting(process);
  }

  #changeBusy(process: string, by: 1 | -1): void {
    this.#busy.set(process, (this.#busy.get(process) ?? 0) + by);
  }

  #count(token: string): void {
    const renewals = (this.#renewals.get(token) ?? 0) + 1;
    this.#renewals.set(token, renewals);
    if (renewals > MAX_IDLE_RENEWALS) this.#isEndless = true;
  }
}
