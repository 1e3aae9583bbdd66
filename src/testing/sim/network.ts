import { StoreUnavailableError } from "../../errors.ts";
import type { KeyFilter } from "../../model/identity.ts";
import type { Entry, Store } from "../../model/store.ts";
import type { Budget, FaultName } from "./faults.ts";
import type { ScheduledOperation, Scheduler } from "./scheduler.ts";
import type { SharedRegister } from "./shared-register.ts";

/** A request of a task to the register. */
export interface StoreRequest<Response> {
  readonly task: string;
  readonly label: string;
  /** Runs the request at the register. */
  readonly execute: () => Promise<Response>;
  /** Returns an outdated response; only reads have one. */
  readonly executeStale?: () => Response;
}

/** A request that has not reached the register yet. */
interface InFlightRequest {
  readonly task: string;
  readonly label: string;
  readonly isWrite: boolean;
  readonly respondStale: (() => void) | undefined;
  readonly arrive: () => void;
  readonly fail: (error: StoreUnavailableError) => void;
  readonly cancel: () => void;
}

/** Direction of a permanent partition: it loses everything, or only messages to the process. */
export type Partition = "both ways" | "one way";

/** Time that a slow store takes for an answer. */
const SLOW_MS = 2_000;

/** Connects the processes with the register that they share. Each request and each response is an operation of the schedule. */
export class Network {
  readonly #scheduler: Scheduler;
  readonly #register: SharedRegister;
  readonly #budget: Budget;
  readonly #outageMs: number;
  readonly #requests = new Set<InFlightRequest>();
  /** Connections of the processes that are cut off for good. */
  readonly #broken = new Map<string, Partition>();
  #isDown = false;
  #isSlow = false;

  constructor(scheduler: Scheduler, register: SharedRegister, budget: Budget, outageMs: number) {
    this.#scheduler = scheduler;
    this.#register = register;
    this.#budget = budget;
    this.#outageMs = outageMs;
  }

  /** Returns the register as a store that `task` reaches over this network. */
  storeOf(task: string): Store {
    const register = this.#register;
    return {
      put: (key, record, how) =>
        this.send({
          task,
          label: `put ${record.state} over ${how.expected}`,
          execute: () => register.put(key, record, how),
        }),
      get: (key) =>
        this.send({
          task,
          label: "get",
          execute: () => register.get(key),
          executeStale: () => register.before(key),
        }),
      remove: (key, how) =>
        this.send({ task, label: `remove ${how.expected}`, execute: () => register.remove(key, how) }),
      list: (filter) => this.#list(task, filter),
      ...(register.invalidation && { invalidation: register.invalidation }),
    };
  }

  async *#list(task: string, filter: KeyFilter): AsyncIterable<Entry> {
    yield* await this.send({ task, label: "list", execute: () => this.#register.list(filter) });
  }

  /** Cuts a process off for good. */
  cutOff(task: string, partition: Partition): void {
    this.#broken.set(task, partition);
  }

  partitionOf(task: string): Partition | undefined {
    return this.#broken.get(task);
  }

  /** Makes every answer of the store slow for good. */
  slowDown(): void {
    this.#isSlow = true;
  }

  /** Sends a request when the schedule says so. A fault on the way rejects with a {@link StoreUnavailableError}. */
  send<Response>({ task, label, execute, executeStale }: StoreRequest<Response>): Promise<Response> {
    return new Promise((resolve, reject) => {
      let isLost = false;
      const respond = (how: string, response: Response | Promise<Response>): void => {
        const arrive = (): void => {
          this.#scheduler.add({ kind: "response", task, label: `${label}: ${how}`, run: () => resolve(response) });
        };
        if (this.#isSlow) this.#scheduler.clockOf(task).schedule(SLOW_MS, arrive);
        else arrive();
      };
      const request: InFlightRequest = {
        task,
        label,
        isWrite: executeStale === undefined,
        respondStale: executeStale && (() => respond("outdated response", executeStale())),
        arrive: () => {
          const response = execute();
          response.catch(() => {});
          if (!isLost) respond("response", response);
        },
        fail: (error) => {
          isLost = true;
          const run = (): void => reject(error);
          this.#scheduler.add({ kind: "response", task, label: `${label}: ${error.message}`, run });
        },
        cancel: this.#scheduler.add({
          kind: "request",
          task,
          label,
          run: () => {
            this.#remove(request);
            const partition = this.#broken.get(task);
            if (partition !== undefined) {
              request.fail(unavailable("the process is cut off", true));
              if (partition === "one way") request.arrive();
            } else if (this.#isDown) request.fail(unavailable("the store is down", false));
            else request.arrive();
          },
        }),
      };
      this.#requests.add(request);
    });
  }

  /** Returns the faults that may hit the requests in flight. */
  faults(): readonly ScheduledOperation[] {
    const possible: ScheduledOperation[] = [];
    for (const request of this.#requests) {
      if (this.#scheduler.isDead(request.task)) this.#requests.delete(request);
      else possible.push(...this.#faultsOf(request));
    }
    if (!this.#isDown && this.#budget.has("outage")) {
      possible.push({ kind: "fault", fault: "outage", task: "network", label: "outage", run: () => this.#goDown() });
    }
    return possible;
  }

  #faultsOf(request: InFlightRequest): readonly ScheduledOperation[] {
    const possible: ScheduledOperation[] = [];
    const { task, label, respondStale } = request;
    const offer = (name: FaultName, run: () => void): void => {
      if (!this.#budget.has(name)) return;
      possible.push({
        kind: "fault",
        fault: name,
        task,
        label: `${label}: ${name}`,
        run: () => {
          this.#budget.spend(name, task);
          this.#remove(request);
          run();
        },
      });
    };
    offer("lost answer", () => {
      request.fail(unavailable("the response was lost", true));
      request.arrive();
    });
    offer("lost request", () => request.fail(unavailable("the request was lost", true)));
    if (request.isWrite) {
      offer("late write", () => {
        request.fail(unavailable("the request is late", true));
        this.#scheduler.add({ kind: "request", task: "network", label: `${label}: arrives late`, run: request.arrive });
      });
    }
    if (respondStale !== undefined) offer("stale read", respondStale);
    offer("refusal", () => request.fail(unavailable("the store refused the request", false)));
    return possible;
  }

  #goDown(): void {
    this.#budget.spend("outage", "store");
    this.#isDown = true;
    this.#scheduler.clockOf("network").schedule(this.#outageMs, () => {
      this.#isDown = false;
    });
  }

  #remove(request: InFlightRequest): void {
    this.#requests.delete(request);
    request.cancel();
  }
}

function unavailable(why: string, ambiguous: boolean): StoreUnavailableError {
  return new StoreUnavailableError(`Simulated: ${why}`, { ambiguous });
}
