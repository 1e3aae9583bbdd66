import type { Deduplicator } from "../../deduplicator.ts";
import { type ListeningServer, listen } from "./listen.ts";
import { LiveInspector } from "./live-inspector.ts";
import { type InspectorOptions, resolveInspectorOptions } from "./options.ts";
import { loadPage } from "./page-file.ts";

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
  const { inspected, access, ...address } = resolveInspectorOptions(options);
  const inspector = new LiveInspector(inspected, access, await loadPage());
  let server: ListeningServer;
  try {
    server = await listen(inspector.handler, address);
  } catch (error) {
    await inspector.close();
    throw error;
  }
  const close = async (): Promise<void> => {
    await inspector.close();
    await server.close();
  };
  return {
    url: `${server.origin}${access.basePath}/${inspector.needsToken ? `#token=${inspector.token}` : ""}`,
    attach: (dedup) => inspector.attach(dedup),
    close,
    [Symbol.asyncDispose]: close,
  };
}
