import { useSignal } from "@preact/signals";
import type { ComponentChildren, VNode } from "preact";
import { heldSinceMs } from "../../conclusions/held-since.ts";
import type { FailureFacts } from "../../conclusions/verdict.ts";
import type { EventDetail, ShownRecord } from "../../server/wire.ts";
import type { KeyedIdentity } from "../../trace/trace-event.ts";
import { link, nowMs, renders, session } from "../browser/page-state.ts";
import { mayChange, requestDetail, requestRelated, requestRemoval } from "../browser/server.ts";
import { useRequest } from "../browser/use-request.ts";
import { pendingBulk } from "../parts/bulk-dialog.tsx";
import { CopyableNumber, ShortKey } from "../parts/copyable.tsx";
import { FindEvent } from "../parts/find-event.tsx";
import { KeyChip } from "../parts/key-chip.tsx";
import { Name } from "../parts/name.tsx";
import { RecentEvents } from "../parts/recent-events.tsx";
import { TimelineTable } from "../parts/timeline.tsx";
import { clearOne } from "../state/clear-action.ts";
import { addressOf } from "../state/event-link.ts";
import { explain, remainingRecordLeaseMs } from "../state/explanation.ts";
import { exactTime, span } from "../state/formats.ts";
import { hashOf } from "../state/route.ts";

export function EventView({ storeKey }: { storeKey: string }): VNode {
  return storeKey === "" ? <FindEventView /> : <OneEvent key={storeKey} storeKey={storeKey} />;
}

function FindEventView(): VNode {
  return (
    <div class="which">
      <section class="panel" aria-labelledby="which">
        <h2 id="which">Find an event</h2>
        <p class="soft">
          Why was it not dispatched, and what is stuck? Enter an event to see its deliveries on all replicas and its
          record in the store.
        </p>
        <FindEvent />
      </section>
      <section class="panel" aria-labelledby="recent">
        <h2 id="recent">Latest activity</h2>
        <RecentEvents limit={60} />
      </section>
    </div>
  );
}

function OneEvent({ storeKey }: { storeKey: string }): VNode {
  const now = session();
  // The detail is requested again whenever a message mentions the event.
  const mentionedAt = useSignal(0);
  if (now.hasChanged(storeKey)) mentionedAt.value = renders.peek();
  const known = useRequest(() => requestDetail(storeKey), [storeKey, mentionedAt.value, link.value.state, now]).value;
  if (known === undefined) return <p class="empty">Loading…</p>;
  if (!known.ok) {
    return (
      <div class="which">
        <section class="panel">
          <h2>Unknown event</h2>
          <p>{known.message}.</p>
          <FindEvent />
        </section>
      </div>
    );
  }
  return <Known detail={known.value} />;
}

function Known({ detail }: { detail: EventDetail }): VNode {
  const { identity, trace } = detail;
  const explained = explain(detail, { nowMs: nowMs.value, skewMs: session().source?.skewMs ?? 0 });
  return (
    <div class="one-event">
      <section class={`panel explanation ${explained.tone}`} aria-labelledby="event-id">
        <h2 id="event-id" class="id">
          {identity.eventId}
        </h2>
        <p class="whose soft">
          subscription <b>{identity.subscriptionId === "" ? "unknown" : identity.subscriptionId}</b>
          {identity.workspaceId !== "" && (
            <>
              , workspace <b>{identity.workspaceId}</b>
            </>
          )}
          , key <ShortKey storeKey={identity.storeKey} />
        </p>
        <p class="because">
          <strong>{explained.outcome}:</strong> {explained.because}
        </p>
        {explained.next !== "" && <p class="next">{explained.next}</p>}
        <Links identity={identity} />
      </section>
      <StoredRecordCard detail={detail} />
      <Related storeKey={identity.storeKey} />
      <section class="panel wide" aria-labelledby="timeline">
        <h2 id="timeline">Timeline</h2>
        {trace.length === 0 ? (
          <p class="empty">
            The inspector has recorded no event of this key since it started. The record above shows the current state.
          </p>
        ) : (
          <TimelineTable trace={trace} />
        )}
      </section>
    </div>
  );
}

/** Links to other systems, such as the event's logs. */
function Links({ identity }: { identity: KeyedIdentity }): VNode | null {
  const links = session().source?.links ?? [];
  if (links.length === 0) return null;
  return (
    <p class="links">
      {links.map((link) => (
        <a key={link.name} href={addressOf(link, identity)} target="_blank" rel="noreferrer">
          {link.name}
        </a>
      ))}
    </p>
  );
}

/** The keys of the same event in other subscriptions and workspaces. */
function Related({ storeKey }: { storeKey: string }): VNode | null {
  const reply = useRequest(() => requestRelated(storeKey), [storeKey]).value;
  if (reply?.ok !== true || reply.value.length === 0) return null;
  return (
    <section class="panel wide" aria-labelledby="related">
      <h2 id="related">Same event elsewhere</h2>
      <ul class="related">
        {reply.value.map((row) => (
          <li key={row.identity.storeKey}>
            <KeyChip row={row} />
            <a href={hashOf({ view: "event", storeKey: row.identity.storeKey })}>
              subscription <b>{row.identity.subscriptionId}</b>, workspace <b>{row.identity.workspaceId}</b>
            </a>
            <span class="soft">
              {row.error === "" ? "" : `${row.error}, on `}
              <Name text={row.owner} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function StoredRecordCard({ detail }: { detail: EventDetail }): VNode {
  const { record, identity } = detail;
  return (
    <section class="panel record" aria-labelledby="record">
      <h2 id="record">Current record</h2>
      {record === undefined && <p class="soft">This is a recorded run, so there is no store to ask.</p>}
      {record === null && <p>None. The key is free.</p>}
      {detail.failure !== undefined && <LastFailure failure={detail.failure} />}
      {record !== undefined && record !== null && (
        <div class="record-body">
          <dl class="facts">
            {factsOf(record, nowMs.value).map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
          {session().source?.canChange === true && (
            <div class="choices">
              {mayChange(session().source) ? (
                <button
                  type="button"
                  class="button danger"
                  onClick={() => (pendingBulk.value = clearOne(identity, record, nowMs.value, requestRemoval))}
                >
                  Clear…
                </button>
              ) : (
                <p class="soft">To change keys, open the full address that was printed at the start, with its token.</p>
              )}
            </div>
          )}
        </div>
      )}
    </section>
  );
}

/** The failed dispatch that the store remembers, also from before the inspector started. */
function LastFailure({ failure }: { failure: FailureFacts }): VNode {
  const { owner, attempt, atMs, error } = failure;
  return (
    <p class="last-failure">
      <span class="chip failure">last error</span> <strong>{error}</strong>{" "}
      <span class="soft">
        on {owner} at attempt {attempt}, {exactTime(atMs)}, {span(Math.max(0, nowMs.value - atMs))} ago
      </span>
    </p>
  );
}

function factsOf(record: ShownRecord, now: number): readonly (readonly [string, ComponentChildren])[] {
  const isCommitted = record.state === "committed";
  return [
    ["State", <span class={`chip ${isCommitted ? "dispatched" : "held"}`}>{record.state}</span>],
    [isCommitted ? "Committed by" : "Owner", <Name text={record.owner} />],
    ["Attempt", record.attempt],
    ["Fence", <CopyableNumber value={record.fence} what="fence" />],
    ...(record.tookOverFrom === undefined
      ? []
      : [["Took over from", <CopyableNumber value={record.tookOverFrom} what="fence" />] as const]),
    ["Revision", <CopyableNumber value={record.revision} what="revision" />],
    ["Written", `${exactTime(record.atMs)}, ${span(Math.max(0, now - record.atMs))} ago`],
    isCommitted
      ? ["Result", record.hasResult ? "kept, not shown here" : "not kept"]
      : ["Held for", span(Math.max(0, now - heldSinceMs(record.atMs, record)))],
    ...(isCommitted ? [] : [["Lease", leaseWords(remainingRecordLeaseMs(record, now), record.leaseMs)] as const]),
  ];
}

function leaseWords(leftMs: number, leaseMs: number): string {
  return leftMs > 0 ? `${span(leftMs)} of ${span(leaseMs)} left` : `ended ${span(-leftMs)} ago`;
}
