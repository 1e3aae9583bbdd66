import { type NodeHandler, nodeHandler, toRequest } from "../internal/node-handler.ts";
import { reportError, type WebhookErrorListener } from "./error-listener.ts";
import { methodNotAllowed, problem } from "./problem.ts";
import { UnreadMessage, unreadReceivers } from "./unread-request.ts";
import type { Receive } from "./webhook.ts";

/** Options of {@link toNodeHandler}. */
export interface NodeHandlerOptions {
  /** Called if a body parser consumed the body, or if the receiver rejects. @default emits a process warning without details */
  readonly onError?: WebhookErrorListener;
}

/**
 * Adapts a receiver to `node:http`. Signatures cover the raw body: mount it before any body parser, or give the parser's raw bytes
 * as `request.rawBody`. A connection whose request body was not read to its end closes after the answer.
 */
export function toNodeHandler(receive: Receive, { onError }: NodeHandlerOptions = {}): NodeHandler {
  const receiveUnread = unreadReceivers.get(receive);
  return nodeHandler({
    handle: (message, url) =>
      receiveUnread === undefined ? receive(toRequest(message, url)) : receiveUnread(new UnreadMessage(message, url)),
    badRequest: () => problem("bad-request"),
    methodNotAllowed,
    failed(error) {
      reportError(onError, error, { code: "misuse" });
      return problem("misused");
    },
  });
}
