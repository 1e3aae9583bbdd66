import express, { type ErrorRequestHandler, type Express } from "express";
import type { Deduplicator, Reservation } from "latchkey";

/** The application, with what a test replaces. */
export interface Service {
  readonly dedup: Deduplicator;
  readonly ship: (order: string, reservation: Reservation) => Promise<void>;
}

/** Receives the webhook of a shop. Answers 409 while another delivery ships the order, and 503 after an error: the shop tries again. */
export function createApp({ dedup, ship }: Service): Express {
  const app = express();
  app.use(express.json());
  app.post("/webhooks/orders", async (request, response) => {
    const order = request.get("x-order-id");
    if (order === undefined) {
      response.sendStatus(400);
      return;
    }
    const outcome = await dedup.guard({ subscriptionId: "ship-orders", eventId: order }, (reservation) =>
      ship(order, reservation),
    );
    response.sendStatus(outcome.outcome === "pending" ? 409 : 204);
  });
  const failed: ErrorRequestHandler = (_error, _request, response, _next) => {
    response.sendStatus(503);
  };
  app.use(failed);
  return app;
}
