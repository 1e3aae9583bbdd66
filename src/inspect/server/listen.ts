import { createServer } from "node:http";
import { toNodeHandler } from "./node-handler.ts";

/** Maximum size of a request's headers. Cookies of other servers on the same host are sent too. */
const MAX_HEADER_BYTES = 65_536;

/** A server that listens. */
export interface ListeningServer {
  /** Address without a slash at its end. */
  readonly origin: string;
  /** Stops the server and ends all connections. */
  close(): Promise<void>;
}

/** Answers requests at an address. @throws {Error} if the server cannot listen there. */
export async function listen(
  handler: (request: Request) => Promise<Response>,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<ListeningServer> {
  const server = createServer({ requestTimeout: 10_000, maxHeaderSize: MAX_HEADER_BYTES }, toNodeHandler(handler));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const address = server.address();
  const actual = typeof address === "object" && address !== null ? address.port : 0;
  return {
    origin: `http://${host.includes(":") ? `[${host}]` : host}:${actual}`,
    async close(): Promise<void> {
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}
