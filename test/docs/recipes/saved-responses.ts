import { idempotencyKey, type RawRequest, type Receive, type Verification, webhook } from "../../../src/http/index.ts";
import type { Deduplicator } from "../../../src/index.ts";

/** Creates an endpoint that saves its responses for 24 hours. */
export function chargeEndpoint(
  dedup: Deduplicator,
  accounts: ReadonlyMap<string, string>, // by API key
  createCharge: (order: unknown, idempotencyKey: string) => Promise<{ readonly id: string }>,
): Receive {
  const accountOf = ({ headers }: RawRequest) => accounts.get(headers.get("authorization") ?? "");
  const verify = async (request: RawRequest): Promise<Verification> =>
    accountOf(request) === undefined ? { verified: false, reason: "The API key is unknown" } : { verified: true };
  return webhook({
    dedup,
    source: idempotencyKey({ verify, scope: (request) => accountOf(request) ?? "" }),
    windowMs: 24 * 3_600_000,
    keepResponse: true,
    dispatch: async ({ body, reservation }) =>
      Response.json(await createCharge(body, reservation.idempotencyKey), { status: 201 }),
  });
}
