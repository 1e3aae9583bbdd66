import express, { type Express } from "express";
import { type Receive, toNodeHandler } from "latchkey/http";

/** Mounts the receiver at `/webhooks/github`, before the body parser: signatures cover the raw body. */
export function createApp(receive: Receive): Express {
  const app = express();
  app.post("/webhooks/github", toNodeHandler(receive));
  app.use(express.json());
  app.post("/echo", (request, response) => void response.json(request.body));
  return app;
}
