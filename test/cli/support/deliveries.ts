import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { isObject } from "./fake-io.ts";

/** A webhook delivery as GitHub sends it. */
export interface Delivery {
  readonly id: string;
  readonly event: string;
  readonly payload: Readonly<Record<string, unknown>>;
  /** Line of a recording with this delivery. */
  readonly line: string;
}

/** Returns the published examples of GitHub's webhooks, each with its own delivery id, the same in every run. */
export function gitHubDeliveries(): readonly Delivery[] {
  const definitions: unknown = createRequire(import.meta.url)("@octokit/webhooks-examples");
  if (!Array.isArray(definitions)) throw new Error("The examples are no list");
  return definitions.flatMap((definition: unknown) => {
    if (!isObject(definition) || !Array.isArray(definition["examples"]))
      throw new Error("A definition has no examples");
    const event = String(definition["name"]);
    return definition["examples"].filter(isObject).map((payload, index) => delivery(event, index, payload));
  });
}

function delivery(event: string, index: number, payload: Delivery["payload"]): Delivery {
  const hex = createHash("sha256").update(`${event}/${index}`).digest("hex");
  const id = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
  const headers = { "X-GitHub-Event": event, "X-GitHub-Delivery": id, "Content-Type": "application/json" };
  return { id, event, payload, line: JSON.stringify({ headers, body: payload }) };
}
