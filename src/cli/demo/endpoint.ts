import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Clock } from "../../internal/clock.ts";
import type { Scenario } from "./scenario.ts";

/** A request as the endpoint has it in its books. */
export interface BookedRequest {
  readonly eventId: string;
  /** Which delivery of the broker led to it. */
  readonly delivery: string;
  readonly fence: number;
  readonly atMs: number;
  /** `done`: taken, with its effect; `refused`: answered with 503; `broken off`: the caller had gone before it was taken. */
  end: "open" | "done" | "refused" | "broken off";
}

/** An HTTP endpoint on loopback that keeps its own books, and fails as the scenario says. */
export interface DemoEndpoint extends AsyncDisposable {
  readonly url: URL;
  readonly books: readonly BookedRequest[];
}

export const EVENT_HEADER = "x-demo-event";
export const DELIVERY_HEADER = "x-demo-delivery";

export async function startEndpoint(scenario: Scenario, clock: Clock): Promise<DemoEndpoint> {
  const books: BookedRequest[] = [];
  const refused = new Map<string, number>();

  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const eventId = decodeURIComponent(headerOf(request, EVENT_HEADER));
    const fence = Number(headerOf(request, "latchkey-fence"));
    const booked: BookedRequest = {
      eventId,
      delivery: headerOf(request, DELIVERY_HEADER),
      fence,
      atMs: clock.monotonicMs(),
      end: "open",
    };
    books.push(booked);
    const { latencyMs = 0, refusals = 0 } = scenario.events.get(eventId) ?? {};
    const cancel = clock.schedule(latencyMs, () => {
      const times = refused.get(eventId) ?? 0;
      booked.end = times < refusals ? "refused" : "done";
      if (booked.end === "refused") refused.set(eventId, times + 1);
      response.writeHead(booked.end === "refused" ? 503 : 204).end();
    });
    response.once("close", () => {
      cancel();
      if (booked.end === "open") booked.end = "broken off";
    });
    request.resume();
  };

  const server = createServer(handle);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("The endpoint of the demo has no port");
  return {
    url: new URL(`http://127.0.0.1:${address.port}/hook`),
    books,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}

function headerOf(request: IncomingMessage, name: string): string {
  const value = request.headers[name];
  return typeof value === "string" ? value : "";
}
