import { createHash } from "node:crypto";
import { type Deduplicator, idempotent } from "../../../src/index.ts";

export interface ChargeRequest {
  readonly account: string;
  readonly key: string;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Returns a function that saves the answer to a request, a failure too. */
export function answeringOnce(
  dedup: Deduplicator,
  charge: (body: string) => Promise<string>,
): (request: ChargeRequest) => Promise<Answer> {
  const answer = ({ body }: ChargeRequest): Promise<Answer> =>
    charge(body).then(
      (charged) => ({ status: 201, body: charged }),
      () => ({ status: 500, body: "The charge failed" }), // a value, so the key is committed
    );
  return idempotent(answer, {
    dedup,
    key: ({ account, key }) => ({ workspaceId: account, subscriptionId: "charges", eventId: key }),
    fingerprint: ({ body }) => createHash("sha256").update(body).digest("hex"),
  });
}
