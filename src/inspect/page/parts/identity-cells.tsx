import type { VNode } from "preact";
import type { KeyedIdentity } from "../../trace/trace-event.ts";
import { hashOf } from "../state/route.ts";
import type { SharedNames } from "../state/shared-names.ts";
import { ShortKey } from "./copyable.tsx";
import { Name } from "./name.tsx";

interface IdentityCellsProps {
  readonly identity: KeyedIdentity;
  readonly shared: SharedNames;
}

/** The cells of a table row that identify an event, without what all rows share. */
export function IdentityCells({ identity, shared }: IdentityCellsProps): VNode {
  return (
    <>
      <td class="event">
        <a class="id" href={hashOf({ view: "event", storeKey: identity.storeKey })}>
          <Name text={identity.eventId} prefix={shared.eventPrefix} />
        </a>
        <ShortKey storeKey={identity.storeKey} />
      </td>
      {shared.subscription === undefined && (
        <td class="subscription">
          <Name text={identity.subscriptionId} />
          {shared.workspace === undefined && (
            <span class="under soft">
              <Name text={identity.workspaceId} />
            </span>
          )}
        </td>
      )}
    </>
  );
}
