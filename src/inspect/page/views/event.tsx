import { useSignal } from "@preact/signals";
import type { ComponentChildren, VNode } from "preact";
import { useEffect } from "preact/hooks";
import type { EventDetail, ShownRecord } from "../../server/wire.ts";
import { drawn, link, nowMs, session } from "../browser/board.ts";
import { type Asked, askDetail, hasToken } from "../browser/server.ts";
import { asked as toConfirm } from "../parts/confirmation.tsx";
import { FindEvent } from "../parts/find-event.tsx";
import { Recent } from "../parts/recent.tsx";
import { TimelineTable } from "../parts/timeline.tsx";
import { removalOf } from "../state/removal.ts";
import { leaseLeftMs, whyOf } from "../state/why.ts";
import { count, exactTime, shortKey, span } from "../state/words.ts";

export function EventView({ storeKey }: { storeKey: string }): VNode {
  return storeKey === "" ? <WhichEvent /> : <OneEvent key={storeKey} storeKey={storeKey} />;
}

function WhichEvent(): VNode {
  return (
    <div class="which">
      <section class="panel" aria-labelledby="which">
        <h2 id="which">Which event?</h2>
        <p class="soft">
          Why did it not fire? What is stuck? Name an event, and see each delivery of it, on whichever replica, and what
          the store holds.
        </p>
        <FindEvent />
      </section>
      <section class="panel" aria-labelledby="recent">
        <h2 id="recent">Just now</h2>
        <Recent most={60} />
      </section>
    </div>
  );
}

function OneEvent({ storeKey }: { storeKey: string }): VNode {
  const answer = useSignal<Asked<EventDetail> | undefined>(undefined);
  const now = session();
  // Asked again whenever something was told of the event.
  const toldAt = useSignal(0);
  if (now.hasChanged(storeKey)) toldAt.value = drawn.peek();
  useEffect(() => {
    let isOver = false;
    void askDetail(storeKey).then((detail) => {
      if (!isOver) answer.value = detail;
    });
    return () => {
      isOver = true;
    };
  }, [storeKey, toldAt.value, link.value.state, now]);

  const known = answer.value;
  if (known === undefined) return <p class="empty">Looking…</p>;
  if (!known.ok) {
    return (
      <div class="which">
        <section class="panel">
          <h2>Nothing is known of it</h2>
          <p>{known.message}.</p>
          <FindEvent />
        </section>
      </div>
    );
  }
  return <Known detail={known.value} />;
}

function Known({ detail }: { detail: EventDetail }): VNode {
  const { identity, steps } = detail;
  const why = whyOf(detail, nowMs.value);
  return (
    <div class="one-event">
      <section class={`panel why ${why.tone}`} aria-labelledby="event-id">
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
          , key{" "}
          <span class="id" title={identity.storeKey}>
            {shortKey(identity.storeKey)}
          </span>
        </p>
        <p class="because">
          <strong>{why.fate}:</strong> {why.because}
        </p>
        {why.next !== "" && <p class="next">{why.next}</p>}
      </section>
      <Holds detail={detail} />
      <section class="panel wide" aria-labelledby="timeline">
        <h2 id="timeline">What happened to it</h2>
        {steps.length === 0 ? (
          <p class="empty">No step of it was seen since this inspector began; what the store holds says the rest.</p>
        ) : (
          <TimelineTable steps={steps} />
        )}
      </section>
    </div>
  );
}

function Holds({ detail }: { detail: EventDetail }): VNode {
  const { holds, identity } = detail;
  return (
    <section class="panel holds" aria-labelledby="holds">
      <h2 id="holds">What the store holds now</h2>
      {holds === undefined && <p class="soft">A recorded run: there is no store to look into.</p>}
      {holds === null && <p>Nothing. The key is free.</p>}
      {holds !== undefined && holds !== null && (
        <div class="holds-body">
          <dl class="facts">
            {factsOf(holds, nowMs.value).map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
          {session().source?.canChange === true && (
            <div class="choices">
              {hasToken() ? (
                <button
                  type="button"
                  class="button danger"
                  onClick={() => (toConfirm.value = removalOf(identity, holds, nowMs.value))}
                >
                  {holds.state === "committed" ? "Clear…" : "Release…"}
                </button>
              ) : (
                <p class="soft">To change anything, open the page by the address as it was printed, with its token.</p>
              )}
            </div>
          )}
        </div>
      )}
    </section>
  );
}

function factsOf(holds: ShownRecord, now: number): readonly (readonly [string, ComponentChildren])[] {
  const isCommitted = holds.state === "committed";
  return [
    ["State", <span class={`chip ${isCommitted ? "dispatched" : "held"}`}>{holds.state}</span>],
    [isCommitted ? "Committed by" : "Owner", holds.owner],
    ["Attempt", holds.attempt],
    ["Fence", count(holds.fence)],
    ["Revision", count(holds.revision)],
    ["Written", `${exactTime(holds.atMs)}, ${span(Math.max(0, now - holds.atMs))} ago`],
    isCommitted
      ? ["Result", holds.hasResult ? "kept, not shown here" : "not kept"]
      : ["Lease", leaseWords(leaseLeftMs(holds, now), holds.leaseMs)],
  ];
}

function leaseWords(leftMs: number, leaseMs: number): string {
  return leftMs > 0 ? `${span(leftMs)} of ${span(leaseMs)} left` : `over since ${span(-leftMs)}`;
}
