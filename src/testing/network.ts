import { StoreUnavailableError } from "../errors.ts";
import type { StoreKey } from "../key.ts";
import type { DedupRecord } from "../record.ts";
import type { Entry, Put, Removal, Revision, Store } from "../store.ts";
import type { Budget, FaultName } from "./faults.ts";
import type { Operation, Scheduler } from "./scheduler.ts";

/** A question on its way to the register: it has not arrived yet. */
interface Request {
  readonly task: string;
  readonly label: string;
  readonly isWrite: boolean;
  /** Answers with what was read before, when it is a read. */
  readonly answerStale?: () => void;
  /** Does at the register what was asked. */
  readonly arrive: () => void;
  readonly fail: (error: StoreUnavailableError) => void;
  readonly takeBack: () => void;
}

/** Between the replicas and the register that they share: every question is an operation to get there, and one to get back. */
export class Network {
  readonly #scheduler: Scheduler;
  readonly #register: Store;
  readonly #budget: Budget;
  readonly #requests = new Set<Request>();
  /** What each key held, before what it holds now. */
  readonly #past = new Map<StoreKey, Entry | undefined>();
  readonly #present = new Map<StoreKey, Entry | undefined>();
  #isDown = false;

  constructor(scheduler: Scheduler, register: Store, budget: Budget) {
    this.#scheduler = scheduler;
    this.#register = register;
    this.#budget = budget;
  }

  /** The register, as `task` reaches it. */
  storeOf(task: string): Required<Pick<Store, "put" | "get" | "remove">> {
    return {
      put: (key: StoreKey, record: DedupRecord, how: { readonly expected: Revision; readonly ttlMs: number }) =>
        this.#ask<Put>(task, `put ${record.state} over ${how.expected}`, async () => {
          const put = await this.#register.put(key, record, how);
          if (put.ok) this.#remember(key, { key, record, revision: put.revision });
          return put;
        }),
      get: (key: StoreKey) =>
        this.#ask<Entry | undefined>(
          task,
          "get",
          () => this.#register.get(key),
          () => this.#past.get(key),
        ),
      remove: (key: StoreKey, how: { readonly expected: Revision }) =>
        this.#ask<Removal>(task, `remove ${how.expected}`, async () => {
          if (this.#register.remove === undefined) throw new TypeError("The register cannot remove");
          const removal = await this.#register.remove(key, how);
          if (removal.ok) this.#remember(key, undefined);
          return removal;
        }),
    };
  }

  #remember(key: StoreKey, entry: Entry | undefined): void {
    this.#past.set(key, this.#present.get(key));
    this.#present.set(key, entry);
  }

  /** What may happen to the questions that are on their way. */
  faults(): readonly Operation[] {
    const possible: Operation[] = [];
    for (const request of this.#requests) {
      const { task, label } = request;
      const fault = (name: FaultName, run: () => void): void => {
        if (this.#budget.has(name)) {
          possible.push({
            task,
            label: `${label}: ${name}`,
            run: () => {
              this.#budget.spend(name);
              this.#forget(request);
              run();
            },
          });
        }
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
      const { answerStale } = request;
      if (answerStale !== undefined) fault("stale read", answerStale);
      fault("refusal", () => request.fail(unavailable("the store refused", false)));
    }
    if (!this.#isDown && this.#budget.has("outage")) {
      possible.push({ task: "network", label: "outage", run: () => this.#goDown() });
    }
    return possible;
  }

  #goDown(): void {
    this.#budget.spend("outage");
    this.#isDown = true;
    this.#scheduler.clockOf("network").schedule(this.#budget.outageMs, () => {
      this.#isDown = false;
    });
  }

  #ask<Answer>(task: string, label: string, question: () => Promise<Answer>, stale?: () => Answer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      let lost = false;
      const request: Request = {
        task,
        label,
        isWrite: stale === undefined,
        arrive: () => {
          const answer = question();
          answer.catch(() => {});
          if (!lost) this.#scheduler.add({ task, label: `${label}: answered`, run: () => resolve(answer) });
        },
        ...(stale && {
          answerStale: () => {
            const answer = stale();
            this.#scheduler.add({ task, label: `${label}: answered out of date`, run: () => resolve(answer) });
          },
        }),
        fail: (error) => {
          lost = true;
          this.#scheduler.add({ task, label: `${label}: ${error.message}`, run: () => reject(error) });
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

  #forget(request: Request): void {
    this.#requests.delete(request);
    request.takeBack();
  }
}

function unavailable(why: string, ambiguous: boolean): StoreUnavailableError {
  return new StoreUnavailableError(`Simulated: ${why}`, { ambiguous });
}
