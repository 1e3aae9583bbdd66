import { createServer, type Server } from "node:http";
import { type Receive, toNodeHandler } from "latchkey/http";

/** Mounts the receiver at `/webhooks/github`. */
export function createApp(receive: Receive): Server {
  const handle = toNodeHandler(receive);
  return createServer((request, response) => {
    if (request.url === "/webhooks/github") handle(request, response);
    else response.writeHead(404).end();
  });
}
