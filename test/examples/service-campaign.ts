import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { eventually } from "../support/eventually.ts";
import type { NatsServer } from "../support/nats-server.ts";
import { WebhookService } from "./webhook-service.ts";

export interface CampaignSize {
  readonly events: number;
  /** Number of rounds. Each kills two consumers and restarts the broker once, while events arrive. */
  readonly rounds: number;
}

/** Content of the endpoint's books and of the dead-letter stream at the end. */
export interface CampaignResult {
  readonly runs: number;
  readonly events: number;
  readonly deadLetters: number;
}

/** Deliveries at the same time, so that consumers die and the broker stops in the middle of many. */
const SENDERS = 8;

/** Delivers every event twice to the example `webhook-service`, while consumers are killed and the broker restarts. */
export async function runServiceCampaign(server: NatsServer, size: CampaignSize): Promise<CampaignResult> {
  await using service = await WebhookService.start(server.url);
  const ids = Array.from({ length: size.events }, (_, index) => `event-${index}`);
  const faults = Array.from({ length: size.rounds }, () => [
    () => service.replaceConsumer(),
    () => server.restart(),
    () => service.replaceConsumer(),
  ]).flat();
  const perFault = Math.ceil(ids.length / faults.length);
  for (const [index, fault] of faults.entries())
    await Promise.all([deliverAll(service, ids.slice(index * perFault, (index + 1) * perFault)), fault()]);
  // A sender that missed the answer delivers again.
  await deliverAll(service, ids);
  await service.knows(ids.length);
  const deadLetters = await deadLettersAfterAll(server);
  const { runs, events } = await service.books();
  return { runs, events, deadLetters };
}

async function deliverAll(service: WebhookService, ids: readonly string[]): Promise<void> {
  const left = ids.values();
  const send = async (): Promise<void> => {
    for (const id of left) await service.deliver(id);
  };
  await Promise.all(Array.from({ length: SENDERS }, send));
}

/** Waits until every message of the stream is settled, and returns the number of dead letters. */
async function deadLettersAfterAll(server: NatsServer): Promise<number> {
  const connection = await connect({ servers: server.url });
  const manager = await jetstreamManager(connection);
  await eventually("every message to be settled", async () => {
    const { num_pending, num_ack_pending } = await manager.consumers.info("WEBHOOKS", "trigger");
    return num_pending === 0 && num_ack_pending === 0;
  });
  const { state } = await manager.streams.info("DEAD");
  await connection.close();
  return state.messages;
}
