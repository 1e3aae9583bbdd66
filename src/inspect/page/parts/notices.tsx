import type { VNode } from "preact";
import type { Notice } from "../../trace/notice-log.ts";
import { session } from "../browser/page-state.ts";
import { concernWords } from "../state/concern-words.ts";
import { time } from "../state/formats.ts";
import { hashOf } from "../state/route.ts";
import { sharedPrefix } from "../state/shared-names.ts";
import { Name } from "./name.tsx";

/** Everything that needs attention: errors, then warnings, then what is resolved, each latest first. */
export function Notices({ limit }: { limit: number }): VNode {
  const all = [...session().notices].reverse();
  const ordered = [
    ...all.filter(({ resolved, concern }) => !resolved && concernWords[concern].severity === "error"),
    ...all.filter(({ resolved, concern }) => !resolved && concernWords[concern].severity === "warning"),
    ...all.filter(({ resolved }) => resolved),
  ];
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
  const shown = ordered.slice(0, limit);
  const prefixes = {
    event: sharedPrefix(shown.map(({ identity }) => identity.eventId).filter((eventId) => eventId !== "")),
    replica: sharedPrefix(shown.map(({ replica }) => replica).filter((replica) => replica !== "")),
  };
  return (
    <ul class="notice-list">
      {shown.map((notice) => (
        <NoticeItem
          key={`${notice.concern} ${notice.identity.storeKey} ${notice.replica}`}
          notice={notice}
          prefixes={prefixes}
        />
      ))}
      {ordered.length > limit && (
        <li class="more">
          <a href={hashOf({ view: "totals" })}>{ordered.length - limit} more</a>
        </li>
      )}
    </ul>
  );
}

interface NoticeItemProps {
  readonly notice: Notice;
  readonly prefixes: { readonly event: string; readonly replica: string };
}

function NoticeItem({ notice, prefixes }: NoticeItemProps): VNode {
  const { concern, identity, replica, cause, atMs, times, resolved } = notice;
  const { title, tone, advice } = concernWords[concern];
  return (
    <li class={resolved ? "resolved" : tone}>
      <p class="title">
        <strong>{title}</strong>
        {times > 1 && <span class="times"> ×{times}</span>}
        {resolved && <span class="pill quiet">resolved</span>}
        <time class="soft">{time(atMs)}</time>
      </p>
      <p class="whose">
        {identity.eventId !== "" && (
          <>
            <a class="id" href={hashOf({ view: "event", storeKey: identity.storeKey })}>
              <Name text={identity.eventId} prefix={prefixes.event} />
            </a>
            <span class="soft on">
              on <Name text={replica} prefix={prefixes.replica} />
            </span>
          </>
        )}
      </p>
      {cause !== "" && (
        <p class="cause" title={cause}>
          {cause}
        </p>
      )}
      <p class="advice soft">{advice}</p>
    </li>
  );
}
