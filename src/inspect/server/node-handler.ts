import { type NodeHandler, nodeHandler, toRequest } from "../../internal/node-handler.ts";
import type { RequestHandler } from "./handler.ts";
import { errorResponse } from "./responses.ts";

/** Adapts an inspector to `node:http`, Express and Connect. Requests have no body, so body parsers do not matter. */
export function toNodeHandler(inspector: RequestHandler): NodeHandler {
  return nodeHandler({
    handle: (message, url) => inspector(toRequest(message, url)),
    badRequest: () => errorResponse("wrong-request", "The request has no valid address"),
    methodNotAllowed: () => errorResponse("wrong-method", "The inspector does not support the method"),
    failed: () => errorResponse("failed", "The inspector failed to answer this request"),
  });
}
