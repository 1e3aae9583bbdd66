import { StoreUnavailableError } from "../../errors.ts";
import type { Store } from "../../model/store.ts";
import type { Budget, FaultName } from "./faults.ts";
import type { Operation, Scheduler } from "./scheduler.ts";
import type { SharedRegister } from "./shared-register.ts";

/** What a task asks of the register. */
export interface Question<Answer> {
  readonly task: string;
  readonly label: string;
  /** Does at the register what is asked. */
  readonly ask: () => Promise<Answer>;
  /** To a read: what is answered that is out of date. */
  readonly stale?: () => Answer;
}

/** A question on its way to the register: it has not arrived yet. */
interface Request {
  readonly task: string;
  readonly label: string;
  readonly isWrite: boolean;
  readonly answerStale: (() => void) | undefined;
  readonly arrive: () => void;
  readonly fail: (error: StoreUnavailableError) => void;
  readonly takeBack: () => void;
}

/** Between the processes and the register that they share: every question is an operation to get there, and one to get back. */
export class Network {
  readonly #scheduler: Scheduler;
  readonly #register: SharedRegister;
  readonly #budget: Budget;
  readonly #outageMs: number;
  readonly #requests = new Set<Request>();
  #isDown = false;

  constructor(scheduler: Scheduler, register: SharedRegister, budget: Budget, outageMs: number) {
    this.#scheduler = scheduler;
    this.#register = register;
    this.#budget = budget;
    this.#outageMs = outageMs;
  }

  /** The register as a store, as `task` reaches it. */
  storeOf(task: string): Store {
    return {
      put: (key, record, how) =>
        this.ask({
          task,
          label: `put ${record.state} over ${how.expected}`,
          ask: () => this.#register.put(key, record, how),
        }),
      get: (key) =>
        this.ask({ task, label: "get", ask: () => this.#register.get(key), stale: () => this.#register.before(key) }),
      remove: (key, how) =>
        this.ask({ task, label: `remove ${how.expected}`, ask: () => this.#register.remove(key, how) }),
      ...(this.#register.invalidation && { invalidation: this.#register.invalidation }),
    };
  }

  /** Asks, when the schedule says so; what goes wrong on the way is a {@link StoreUnavailableError}. */
  ask<Answer>({ task, label, ask, stale }: Question<Answer>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      let isLost = false;
      const answer = (how: string, given: Answer | Promise<Answer>): void => {
        this.#scheduler.add({ task, label: `${label}: ${how}`, isAnswer: true, run: () => resolve(given) });
      };
      const request: Request = {
        task,
        label,
        isWrite: stale === undefined,
        answerStale: stale && (() => answer("answered out of date", stale())),
        arrive: () => {
          const given = ask();
          given.catch(() => {});
          if (!isLost) answer("answered", given);
        },
        fail: (error) => {
          isLost = true;
          this.#scheduler.add({ task, label: `${label}: ${error.message}`, isAnswer: true, run: () => reject(error) });
        },
        takeBack: this.#scheduler.add({
          task,
          label,
          run: () => {
            this.#forget(request);
            if (this.#isDown) request.fail(unavailable("the store is down", false));
            else request.arrive();
          },
        }),
      };
      this.#requests.add(request);
    });
  }

  /** What may happen to the questions that are on their way. */
  faults(): readonly Operation[] {
    const possible: Operation[] = [];
    for (const request of this.#requests) {
      if (this.#scheduler.isDead(request.task)) this.#requests.delete(request);
      else possible.push(...this.#faultsOf(request));
    }
    if (!this.#isDown && this.#budget.has("outage")) {
      possible.push({ task: "network", label: "outage", run: () => this.#goDown() });
    }
    return possible;
  }

  #faultsOf(request: Request): readonly Operation[] {
    const possible: Operation[] = [];
    const { task, label, answerStale } = request;
    const fault = (name: FaultName, run: () => void): void => {
      if (!this.#budget.has(name)) return;
      possible.push({
        task,
        label: `${label}: ${name}`,
        run: () => {
          this.#budget.spend(name, task);
          this.#forget(request);
          run();
        },
      });
    };
    fault("lost answer", () => {
      request.fail(unavailable("the answer was lost", true));
      request.arrive();
    });
    fault("lost request", () => request.fail(unavailable("the request was lost", true)));
    if (request.isWrite) {
      fault("late write", () => {
        request.fail(unavailable("the request is late", true));
        this.#scheduler.add({ task: "network", label: `${label}: lands late`, run: request.arrive });
      });
    }
    if (answerStale !== undefined) fault("stale read", answerStale);
    fault("refusal", () => request.fail(unavailable("the store refused", false)));
    return possible;
  }

  #goDown(): void {
    this.#budget.spend("outage", "store");
    this.#isDown = true;
    this.#scheduler.clockOf("network").schedule(this.#outageMs, () => {
      this.#isDown = false;
    });
  }

  #forget(request: Request): void {
    this.#requests.delete(request);
    request.takeBack();
  }
}

function unavailable(why: string, ambiguous: boolean): StoreUnavailableError {
  return new StoreUnavailableError(`Simulated: ${why}`, { ambiguous });
}
