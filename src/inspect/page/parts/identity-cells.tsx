import type { VNode } from "preact";
import type { EventRef } from "../../trace/trace-event.ts";
import { hashOf } from "../state/route.ts";
import { Name, ShortKey } from "./name.tsx";

/** The cells of a table row that identify an event. */
export function IdentityCells({ identity }: { identity: EventRef }): VNode {
  return (
    <>
      <td class="event">
        <a class="id" href={hashOf({ view: "event", storeKey: identity.storeKey })}>
          <Name text={identity.eventId} />
        </a>
        <ShortKey storeKey={identity.storeKey} />
      </td>
      <td class="subscription">
        <Name text={identity.subscriptionId} />
        <span class="under soft">
          <Name text={identity.workspaceId} />
        </span>
      </td>
    </>
  );
}
