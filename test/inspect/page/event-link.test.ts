import { expect, it } from "vitest";
import { addressOf } from "../../../src/inspect/page/state/event-link.ts";
import { dedupKey, resolveIdentity } from "../../../src/model/identity.ts";

const ids = { workspaceId: "acme", subscriptionId: "sub 1", eventId: "a/b?c=ü" };
const { storeKey } = resolveIdentity(ids);

it.each([
  ["https://logs.example/?q={eventId}", "https://logs.example/?q=a%2Fb%3Fc%3D%C3%BC"],
  ["https://logs.example/{workspaceId}/{subscriptionId}", "https://logs.example/acme/sub%201"],
  [
    "https://logs.example/{storeKey}/{key}",
    `https://logs.example/${storeKey}/${encodeURIComponent(dedupKey("sub 1", "a/b?c=ü"))}`,
  ],
  ["https://logs.example/{unknown}/{toString}", "https://logs.example/{unknown}/{toString}"],
])("the link %s has the event's ids, encoded, and leaves unknown placeholders", (template, address) => {
  expect(addressOf({ name: "Logs", template }, { storeKey, ...ids })).toBe(address);
});
