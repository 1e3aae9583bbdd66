import { type NodeHandler, nodeHandler, toRequest } from "../../internal/node-handler.ts";
import type { RequestHandler } from "./handler.ts";
import { problem } from "./responses.ts";

/** Adapts an inspector to `node:http`, Express and Connect. Requests have no body, so body parsers do not matter. */
export function toNodeHandler(inspector: RequestHandler): NodeHandler {
  return nodeHandler({
    handle: (message, url) => inspector(toRequest(message, url)),
    badRequest: () => problem("wrong-request", "The request has no valid address"),
    methodNotAllowed: () => problem("wrong-method", "The inspector does not support the method"),
    failed: () => problem("failed", "The inspector failed to answer this request"),
  });
}
