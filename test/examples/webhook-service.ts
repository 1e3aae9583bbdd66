import { createHmac } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import { freePorts } from "../support/free-ports.ts";
import { Program } from "../support/program.ts";

const SECRET = "secret-of-the-service";
/** The consumers' lease. A killed consumer's events come back after it and the consumer's `ack_wait` of 5 s. */
const LEASE_SECONDS = 2;

/** Counts that the endpoint reports. */
export interface Books {
  readonly requests: number;
  readonly runs: number;
  readonly events: number;
}

/** The programs of the example `webhook-service`, as processes of their own. */
export class WebhookService implements AsyncDisposable {
  readonly #env: NodeJS.ProcessEnv;
  readonly #ports: readonly number[];
  readonly #programs = new Set<Program>();
  readonly #consumers: Program[] = [];

  private constructor(natsUrl: string, ports: readonly number[]) {
    this.#ports = ports;
    this.#env = {
      ...process.env,
      NATS_URL: natsUrl,
      GITHUB_WEBHOOK_SECRET: SECRET,
      LATCHKEY_LEASE_SECONDS: String(LEASE_SECONDS),
      ENDPOINT: `http://127.0.0.1:${ports[1]}/runs`,
    };
  }

  static async start(natsUrl: string): Promise<WebhookService> {
    const service = new WebhookService(natsUrl, await freePorts(2));
    const setUp = service.#start("set-up.ts");
    await eventually("the streams to exist", () => setUp.output.startsWith("created"));
    const [receiverPort, endpointPort] = service.#ports;
    await Promise.all([
      service.#start("endpoint.ts", { PORT: String(endpointPort) }).listening(),
      service.#start("receiver.ts", { PORT: String(receiverPort) }).listening(),
      service.startConsumer(),
      service.startConsumer(),
    ]);
    return service;
  }

  #start(file: string, env: NodeJS.ProcessEnv = {}): Program {
    const command = `exec npx tsx --tsconfig examples/tsconfig.json examples/webhook-service/${file}`;
    const program = new Program(command, { ...this.#env, ...env });
    this.#programs.add(program);
    return program;
  }

  async startConsumer(): Promise<void> {
    const consumer = this.#start("consumer.ts");
    this.#consumers.push(consumer);
    await consumer.listening();
  }

  /** Kills the oldest consumer with `kill -9`, and starts another. */
  async replaceConsumer(): Promise<void> {
    await this.#consumers.shift()?.kill();
    await this.startConsumer();
  }

  /** Delivers an event until it is accepted, as a sender that never gives up. */
  async deliver(id: string): Promise<void> {
    const body = JSON.stringify({ action: "opened", id });
    const headers = {
      "content-type": "application/json",
      "x-github-event": "issues",
      "x-github-delivery": id,
      "x-github-hook-id": "292430182",
      "x-github-hook-installation-target-id": "79929171",
      "x-github-hook-installation-target-type": "repository",
      "x-hub-signature-256": `sha256=${createHmac("sha256", SECRET).update(body).digest("hex")}`,
    };
    for (;;) {
      const { status } = await fetch(`http://127.0.0.1:${this.#ports[0]}/webhooks/github`, {
        method: "POST",
        body,
        headers,
      });
      if (status === 202) return;
      if (status !== 503) throw new Error(`The receiver answered ${status}`);
      await pause(100);
    }
  }

  async books(): Promise<Books> {
    const response = await fetch(`http://127.0.0.1:${this.#ports[1]}/books`);
    const books: unknown = await response.json();
    if (!isBooks(books)) throw new TypeError(`The endpoint's books are unreadable: ${JSON.stringify(books)}`);
    return books;
  }

  /** Waits until the endpoint knows this many events. */
  async knows(events: number): Promise<Books> {
    return eventually(`${events} events in the endpoint's books`, async () => {
      const books = await this.books();
      return books.events >= events ? books : undefined;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#programs].map((program) => program.kill()));
  }
}

function isBooks(value: unknown): value is Books {
  return typeof value === "object" && value !== null && "requests" in value && "runs" in value && "events" in value;
}
