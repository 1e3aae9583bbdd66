import type { VNode } from "preact";
import { session } from "../browser/page-state.ts";
import { eventWords } from "../state/event-words.ts";
import { time } from "../state/formats.ts";
import { hashOf } from "../state/route.ts";
import { sharedPrefix } from "../state/shared-names.ts";
import { Name } from "./name.tsx";

/** The latest events, newest first. */
export function RecentEvents({ limit }: { limit: number }): VNode {
  const trace = session().trace.slice(-limit).reverse();
  if (trace.length === 0) return <p class="empty soft">Nothing has happened yet.</p>;
  const eventPrefix = sharedPrefix(trace.map(({ identity }) => identity.eventId));
  const replicaPrefix = sharedPrefix(trace.map(({ replica }) => replica));
  return (
    <ol class="recent">
      {trace.map((event, index) => {
        const { word, tone } = eventWords[event.type];
        return (
          <li key={index}>
            <time class="soft">{time(event.atMs)}</time>
            <span class={`word ${tone}`}>{word}</span>
            <a class="id" href={hashOf({ view: "event", storeKey: event.identity.storeKey })}>
              <Name text={event.identity.eventId} prefix={eventPrefix} />
            </a>
            <span class="soft replica">
              <Name text={event.replica} prefix={replicaPrefix} />
            </span>
          </li>
        );
      })}
    </ol>
  );
}
