import type { Deduplicator } from "../../deduplicator.ts";
import { LiveInspector } from "./live-inspector.ts";
import { type MountedInspectorOptions, resolveMountedOptions } from "./options.ts";
import { loadPage } from "./page-file.ts";

/** An inspector in another server: answers requests. Disposing it closes it. */
export interface MountedInspector extends AsyncDisposable {
  (request: Request): Promise<Response>;
  /** Secret that the page needs, unless `authorize` replaces it. Open the page at `<its address>#token=<token>`. */
  readonly token: string;
  /** Shows the events of another deduplicator until the returned function is called. */
  attach(dedup: Deduplicator): () => void;
  /** Ends all streams. The deduplicators and the store stay open. */
  close(): Promise<void>;
}

/**
 * Returns an inspector to mount in another server: a function from `Request` to `Response`. It never throws. For `node:http`, Express
 * and Connect, wrap it in `toNodeHandler`.
 * @throws {TypeError | RangeError} that names the invalid option.
 * @throws {LatchkeyError} `unsupported` for a store without `list` and `watch`.
 */
export function inspectorHandler(options: MountedInspectorOptions): MountedInspector {
  const { inspected, access } = resolveMountedOptions(options);
  const inspector = new LiveInspector(inspected, access, loadPage());
  const close = (): Promise<void> => inspector.close();
  return Object.assign((request: Request) => inspector.handler(request), {
    token: inspector.token,
    attach: (dedup: Deduplicator) => inspector.attach(dedup),
    close,
    [Symbol.asyncDispose]: close,
  });
}
