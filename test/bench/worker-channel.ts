import { type ChildProcess, fork, type Serializable } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { guardProcess } from "../support/guard-process.ts";

/** A process of a benchmark that answers one request at a time. It ends with its scope, or when this process dies. */
export interface Worker<Request, Answer> extends AsyncDisposable {
  ask(request: Request): Promise<Answer>;
}

/** Starts the module as a process with this process's Node options, and passes it `setup`. */
export function startWorker<Request extends Serializable, Answer>(
  module: URL,
  setup: unknown,
): Worker<Request, Answer> {
  const child = fork(fileURLToPath(module), [JSON.stringify(setup)], { serialization: "json" });
  const watch = guardProcess(Number(child.pid));
  return {
    ask: (request) => answerOf(child, request),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGKILL");
        await once(child, "exit");
      }
      watch.stdin?.end();
    },
  };
}

async function answerOf<Answer>(child: ChildProcess, request: Serializable): Promise<Answer> {
  const settled = new AbortController();
  const { signal } = settled;
  try {
    const ended = once(child, "exit", { signal }).then(([code]) => {
      throw new Error(`The benchmark's worker ended with code ${code}`);
    });
    const answer = once(child, "message", { signal }).then(([message]: readonly Answer[]) => message);
    child.send(request);
    const answered = await Promise.race([answer, ended]);
    if (answered === undefined) throw new Error("The benchmark's worker answered nothing");
    return answered;
  } finally {
    settled.abort();
  }
}

/** A round that a worker is asked to run. */
export interface Round {
  readonly round: string;
  readonly events: number;
  /** @default "rate" */
  readonly measure?: "rate" | "latency";
}

/** Answers every request of the process that started this one. Ends when that process is gone. */
export function answerRequests(answer: (round: Round) => unknown): void {
  process.on("disconnect", () => process.exit());
  process.on("message", (round: Round) => {
    void Promise.resolve(answer(round)).then((answered) => process.send?.(answered));
  });
}

/** CPU time that this process has used, in microseconds. */
export function cpuUsedUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
