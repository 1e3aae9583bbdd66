import type { VNode } from "preact";
import type { Notice } from "../../trace/attention.ts";
import { session } from "../browser/page-state.ts";
import { concernWords } from "../state/concern-words.ts";
import { time } from "../state/formats.ts";
import { hashOf } from "../state/route.ts";

/** Everything that needs attention, latest first. Settled notices come last. */
export function Notices({ limit }: { limit: number }): VNode {
  const all = [...session().notices].reverse();
  const ordered = [...all.filter(({ settled }) => !settled), ...all.filter(({ settled }) => settled)];
  if (ordered.length === 0) {
    return (
      <p class="empty calm">
        <strong>Nothing.</strong>{" "}
        <span class="more-words">
          Leases that end while a handler runs, events that may have run twice, and an unavailable store appear here.
        </span>
      </p>
    );
  }
  return (
    <ul class="notice-list">
      {ordered.slice(0, limit).map((notice) => (
        <NoticeItem key={`${notice.concern} ${notice.identity.storeKey} ${notice.replica}`} notice={notice} />
      ))}
      {ordered.length > limit && (
        <li class="more">
          <a href={hashOf({ view: "totals" })}>{ordered.length - limit} more</a>
        </li>
      )}
    </ul>
  );
}

function NoticeItem({ notice }: { notice: Notice }): VNode {
  const { concern, identity, replica, cause, atMs, times, settled } = notice;
  const { title, tone, advice } = concernWords[concern];
  return (
    <li class={settled ? "settled" : tone}>
      <p class="title">
        <strong>{title}</strong>
        {times > 1 && <span class="times"> ×{times}</span>}
        {settled && <span class="pill quiet">settled</span>}
        <time class="soft">{time(atMs)}</time>
      </p>
      <p>
        <a class="id" href={hashOf({ view: "event", storeKey: identity.storeKey })}>
          {identity.eventId}
        </a>{" "}
        <span class="soft">on {replica}</span>
      </p>
      <p class="advice soft">{cause === "" ? advice : `${cause}. ${advice}`}</p>
    </li>
  );
}
