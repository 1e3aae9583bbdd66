import { createServer, type Server } from "node:http";
import type { Deduplicator } from "../../deduplicator.ts";
import { LiveInspector } from "./live-inspector.ts";
import { toNodeHandler } from "./node-handler.ts";
import { type InspectorOptions, resolveInspectorOptions } from "./options.ts";
import { loadPage } from "./page-file.ts";

/** Maximum size of a request's headers. Cookies of other servers on the same host are sent too. */
const MAX_HEADER_BYTES = 65_536;

/** A running inspector server. Disposing it closes it. */
export interface Inspector extends AsyncDisposable {
  /** Address of the page. It contains the token after the `#` if any request needs it. */
  readonly url: string;
  /** Shows the events of another deduplicator until the returned function is called. */
  attach(dedup: Deduplicator): () => void;
  /** Stops the server and ends all connections. The deduplicators and the store stay open. */
  close(): Promise<void>;
}

/**
 * Serves a web page that shows what Latchkey does: the events of deduplicators, or of all replicas that share a store.
 * @throws {TypeError | RangeError} that names the invalid option.
 * @throws {LatchkeyError} `unsupported` for a store without `list` and `watch`.
 * @throws {Error} if the server cannot listen on the address.
 */
export async function serveInspector(options: InspectorOptions): Promise<Inspector> {
  const resolved = resolveInspectorOptions(options);
  const { host, port, inspected, access } = resolved;
  const inspector = new LiveInspector(inspected, access, await loadPage());
  const limits = { requestTimeout: 10_000, maxHeaderSize: MAX_HEADER_BYTES };
  const server = createServer(limits, toNodeHandler(inspector.handler));
  try {
    await listen(server, port, host);
  } catch (error) {
    await inspector.close();
    throw error;
  }
  const close = async (): Promise<void> => {
    await inspector.close();
    server.closeAllConnections();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  return {
    url: `${addressOf(server, host)}${access.basePath}/${inspector.needsToken ? `#token=${inspector.token}` : ""}`,
    attach: (dedup) => inspector.attach(dedup),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** Returns the configured host with the actual port. */
function addressOf(server: Server, host: string): string {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
