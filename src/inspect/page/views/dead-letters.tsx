import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import type { LetterList, LetterRow } from "../../server/wire.ts";
import { nowMs, playback, session } from "../browser/page-state.ts";
import { drop, mayChange, redrive, requestLetters } from "../browser/server.ts";
import { useRefreshed } from "../browser/use-refreshed.ts";
import { pendingBulk } from "../parts/bulk-dialog.tsx";
import { Name } from "../parts/name.tsx";
import { count, counted, exactTime, span } from "../state/formats.ts";
import { dropAction, redriveAction } from "../state/letter-words.ts";
import { hashOf } from "../state/route.ts";

/** The dead letters, with redrive and drop for one, or for all that match a filter. */
export function DeadLettersView(): VNode {
  const filter = useSignal("");
  const reply = useRefreshed(requestLetters, pendingBulk.value !== undefined);
  if (playback.value !== undefined) return <p class="empty">A recorded run has no dead letters.</p>;
  const list = reply.value?.ok === true ? reply.value.value : undefined;
  const matching = list?.letters.filter((letter) => isMatch(letter, filter.value)) ?? [];
  return (
    <div class="in-flight">
      <div class="view-head">
        <h2>Dead letters</h2>
        <p class="soft" role="status">
          {list === undefined ? "Loading…" : sizeOf(list, matching.length)}
        </p>
        <form class="filters" onSubmit={(event) => event.preventDefault()} aria-label="Filter">
          <label>
            <span>Event, reason or error</span>
            <input
              type="text"
              placeholder="any"
              spellcheck={false}
              autocomplete="off"
              value={filter.value}
              onInput={({ currentTarget: { value } }) => (filter.value = value)}
            />
          </label>
          {mayChange(session().source) && (
            <>
              <button
                type="button"
                class="button"
                disabled={matching.length === 0}
                onClick={() => (pendingBulk.value = redriveAction(matching, redrive))}
              >
                Redrive {count(matching.length)}…
              </button>
              <button
                type="button"
                class="button"
                disabled={matching.length === 0}
                onClick={() => (pendingBulk.value = dropAction(matching, drop))}
              >
                Drop {count(matching.length)}…
              </button>
            </>
          )}
        </form>
      </div>
      {reply.value?.ok === false && (
        <p class="problem" role="alert">
          {reply.value.message}
        </p>
      )}
      {list !== undefined && <LetterTable letters={matching} />}
    </div>
  );
}

function sizeOf({ letters, hasMore }: LetterList, matching: number): string {
  const all = `${counted(letters.length, "letter")}${hasMore ? ", and more" : ""}`;
  return matching === letters.length ? all : `${count(matching)} of ${all}`;
}

function isMatch({ reason, error, identity, original, consumer }: LetterRow, filter: string): boolean {
  const texts = [reason, error, consumer, original.subject, identity?.eventId ?? "", identity?.subscriptionId ?? ""];
  return texts.some((text) => text.toLowerCase().includes(filter.toLowerCase()));
}

function LetterTable({ letters }: { letters: readonly LetterRow[] }): VNode {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section class="scroller panel" aria-label="Dead letters" tabIndex={0}>
      <table class="attempt-table letter-table">
        <thead>
          <tr>
            <th scope="col" class="event">
              Event
            </th>
            <th scope="col" class="subscription">
              Subscription
            </th>
            <th scope="col" class="reason">
              Reason
            </th>
            <th scope="col" class="attempt number">
              Deliveries
            </th>
            <th scope="col" class="written number">
              Stored
            </th>
            <th scope="col" class="actions">
              <span class="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {letters.map((letter) => (
            <Row key={letter.sequence} letter={letter} />
          ))}
        </tbody>
      </table>
      {letters.length === 0 && <p class="empty">No dead letter matches.</p>}
    </section>
  );
}

function Row({ letter }: { letter: LetterRow }): VNode {
  const { identity, original, reason, error, deliveries, storedAtMs, sequence, consumer } = letter;
  return (
    <tr>
      <td class="event">
        {identity === undefined ? (
          <span class="soft">no identity</span>
        ) : (
          <a class="id" href={hashOf({ view: "event", storeKey: identity.storeKey })}>
            <Name text={identity.eventId} />
          </a>
        )}
        <span class="under soft" title={`${original.subject}, number ${original.sequence} of ${original.stream}`}>
          letter {sequence}, <Name text={original.subject} />
        </span>
      </td>
      <td class="subscription">
        <Name text={identity?.subscriptionId ?? consumer} />
        <span class="under soft">
          <Name text={identity?.workspaceId ?? ""} />
        </span>
      </td>
      <td class="reason">
        <span class="chip failure">{reason}</span>
        <span class="under soft error" title={error}>
          {error}
        </span>
      </td>
      <td class="attempt number">{count(deliveries)}</td>
      <td class="written number" title={exactTime(storedAtMs)}>
        {span(Math.max(0, nowMs.value - storedAtMs))} ago
      </td>
      <td class="actions">
        {mayChange(session().source) && (
          <>
            <button
              type="button"
              class="button"
              aria-label={`Redrive letter ${sequence}`}
              onClick={() => (pendingBulk.value = redriveAction([letter], redrive))}
            >
              Redrive…
            </button>
            <button
              type="button"
              class="button"
              aria-label={`Drop letter ${sequence}`}
              onClick={() => (pendingBulk.value = dropAction([letter], drop))}
            >
              Drop…
            </button>
          </>
        )}
      </td>
    </tr>
  );
}
