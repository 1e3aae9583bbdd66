import type { VNode } from "preact";
import { session } from "../browser/board.ts";
import { kinds } from "../state/events.ts";
import { hashOf } from "../state/route.ts";
import { time } from "../state/words.ts";

/** The latest steps, the newest first. */
export function Recent({ most }: { most: number }): VNode {
  const steps = session().steps.slice(-most).reverse();
  if (steps.length === 0) return <p class="empty soft">Nothing has happened yet.</p>;
  return (
    <ol class="recent">
      {steps.map((step, index) => {
        const { word, tone } = kinds[step.type];
        return (
          <li key={index}>
            <time class="soft">{time(step.atMs)}</time>
            <span class={`word ${tone}`}>{word}</span>
            <a class="id" href={hashOf({ view: "event", storeKey: step.identity.storeKey })}>
              {step.identity.eventId}
            </a>
            <span class="soft replica">{step.replica}</span>
          </li>
        );
      })}
    </ol>
  );
}
