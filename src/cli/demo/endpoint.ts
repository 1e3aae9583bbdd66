import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Clock } from "../../internal/clock.ts";
import type { DemoScenario } from "./scenario/scenario.ts";

/** A request that the endpoint received. */
export interface ReceivedRequest {
  readonly eventId: string;
  /** Id of the broker's delivery that caused the request. */
  readonly delivery: string;
  readonly fence: number;
  readonly atMs: number;
  /** `done`: answered with success; `refused`: answered with 503; `aborted`: the caller disconnected before the answer. */
  end: "open" | "done" | "refused" | "aborted";
}

/** An HTTP endpoint on loopback that records its requests and refuses some, as the scenario plans. */
export interface DemoEndpoint extends AsyncDisposable {
  readonly url: URL;
  readonly requests: readonly ReceivedRequest[];
}

export const EVENT_HEADER = "x-demo-event";
export const DELIVERY_HEADER = "x-demo-delivery";

export async function startEndpoint(scenario: DemoScenario, clock: Clock): Promise<DemoEndpoint> {
  const requests: ReceivedRequest[] = [];
  const refused = new Map<string, number>();

  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const eventId = decodeURIComponent(headerOf(request, EVENT_HEADER));
    const fence = Number(headerOf(request, "latchkey-fence"));
    const received: ReceivedRequest = {
      eventId,
      delivery: headerOf(request, DELIVERY_HEADER),
      fence,
      atMs: clock.monotonicMs(),
      end: "open",
    };
    requests.push(received);
    const { latencyMs = 0, refusals = 0 } = scenario.events.get(eventId) ?? {};
    const cancel = clock.schedule(latencyMs, () => {
      const times = refused.get(eventId) ?? 0;
      received.end = times < refusals ? "refused" : "done";
      if (received.end === "refused") refused.set(eventId, times + 1);
      response.writeHead(received.end === "refused" ? 503 : 204).end();
    });
    response.once("close", () => {
      cancel();
      if (received.end === "open") received.end = "aborted";
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
    requests,
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
