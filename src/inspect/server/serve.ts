import type { Server } from "node:http";
import type { Deduplicator } from "../../deduplicator.ts";
import { LiveInspector } from "./live-inspector.ts";
import { nodeServer } from "./node-server.ts";
import { type InspectorOptions, resolveInspectorOptions } from "./options.ts";
import { loadPage } from "./page-file.ts";

/** An inspector that is served. Disposing it closes it. */
export interface Inspector extends AsyncDisposable {
  /** Where the page is, for people: with the token behind the `#`, unless nothing needs it. */
  readonly url: string;
  /** Shows every step of another deduplicator, until the returned function is called. */
  attach(dedup: Deduplicator): () => void;
  /** Stops listening, ends the connections, and watches nothing any more. The deduplicators and the store stay open. */
  close(): Promise<void>;
}

/**
 * Serves a page on which one can see what Latchkey does: every step of a deduplicator, or what all replicas do that share a store.
 * @throws {TypeError | RangeError} that names the option that is wrong.
 * @throws {LatchkeyError} `unsupported` for a store that cannot list and watch.
 * @throws {Error} when the address cannot be listened at.
 */
export async function serveInspector(options: InspectorOptions): Promise<Inspector> {
  const resolved = resolveInspectorOptions(options);
  const { host, port } = resolved;
  const inspector = new LiveInspector(resolved, await loadPage());
  const server = nodeServer(inspector.handler);
  try {
    await listening(server, port, host);
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
    url: `${addressOf(server, host)}/${inspector.needsToken ? `#token=${inspector.token}` : ""}`,
    attach: (dedup) => inspector.attach(dedup),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function listening(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** The address that was asked for, and the port that it became. */
function addressOf(server: Server, host: string): string {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
