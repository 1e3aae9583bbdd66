import type { TargetContext } from "../../../src/cli/run/target/target.ts";
import { dedupKey } from "../../../src/model/identity.ts";

/** Context of a second attempt. */
export const targetContext: TargetContext = {
  idempotencyKey: dedupKey("sub-1", "evt-1"),
  fence: 7,
  attempt: 2,
  workspaceId: "acme",
  subscriptionId: "sub-1",
  signal: new AbortController().signal,
};
