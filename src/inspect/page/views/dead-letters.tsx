import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { amount, counted } from "../../../internal/counted.ts";
import type { LetterList, LetterRow } from "../../server/wire.ts";
import { nowMs, playback, session } from "../browser/page-state.ts";
import { mayChange, requestDrop, requestLetters, requestRedrive } from "../browser/server.ts";
import { REFRESH_MS, useRequest } from "../browser/use-request.ts";
import { pendingBulk } from "../parts/bulk-dialog.tsx";
import { Name } from "../parts/name.tsx";
import { exactTime, span } from "../state/formats.ts";
import { dropAction, redriveAction } from "../state/letter-words.ts";
import { hashOf } from "../state/route.ts";
import { type SharedNames, sharedNames, sharedWords } from "../state/shared-names.ts";

/** The dead letters, with redrive and drop for one, or for all that match a filter. */
export function DeadLettersView(): VNode {
  const filter = useSignal("");
  const reply = useRequest(requestLetters, [pendingBulk.value !== undefined], REFRESH_MS);
  if (playback.value !== undefined) return <p class="empty">A recorded run has no dead letters.</p>;
  const list = reply.value?.ok === true ? reply.value.value : undefined;
  const matching = list?.letters.filter((letter) => isMatch(letter, filter.value)) ?? [];
  const shared = sharedNames(
    matching.flatMap(({ identity }) => (identity === undefined ? [] : [{ identity, owner: "" }])),
  );
  const words = sharedWords(shared);
  return (
    <div class="in-flight">
      <div class="view-head">
        <h2>Dead letters</h2>
        <p class="soft" role="status">
          {list === undefined ? "Loading…" : sizeOf(list, matching.length)}
        </p>
        {words !== "" && <p class="shared soft">{words}</p>}
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
                onClick={() => (pendingBulk.value = redriveAction(matching, requestRedrive))}
              >
                Redrive {amount(matching.length)}…
              </button>
              <button
                type="button"
                class="button"
                disabled={matching.length === 0}
                onClick={() => (pendingBulk.value = dropAction(matching, requestDrop))}
              >
                Drop {amount(matching.length)}…
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
      {list !== undefined && <LetterTable letters={matching} shared={shared} />}
    </div>
  );
}

function sizeOf({ letters, hasMore }: LetterList, matching: number): string {
  const all = `${counted(letters.length, "letter")}${hasMore ? ", and more" : ""}`;
  return matching === letters.length ? all : `${amount(matching)} of ${all}`;
}

function isMatch({ reason, error, identity, original, consumer }: LetterRow, filter: string): boolean {
  const texts = [reason, error, consumer, original.subject, identity?.eventId ?? "", identity?.subscriptionId ?? ""];
  return texts.some((text) => text.toLowerCase().includes(filter.toLowerCase()));
}

interface LetterTableProps {
  readonly letters: readonly LetterRow[];
  readonly shared: SharedNames;
}

function LetterTable({ letters, shared }: LetterTableProps): VNode {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section class="scroller panel" aria-label="Dead letters" tabIndex={0}>
      <table class="attempt-table letter-table">
        <thead>
          <tr>
            <th scope="col" class="event">
              Event, letter
            </th>
            {shared.subscription === undefined && (
              <th scope="col" class="subscription">
                Subscription
              </th>
            )}
            <th scope="col" class="reason">
              Reason, last error
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
            <Row key={letter.sequence} letter={letter} shared={shared} />
          ))}
        </tbody>
      </table>
      {letters.length === 0 && <p class="empty">No dead letter matches.</p>}
    </section>
  );
}

function Row({ letter, shared }: { letter: LetterRow; shared: SharedNames }): VNode {
  const { identity, original, reason, error, deliveries, storedAtMs, sequence, consumer } = letter;
  return (
    <tr>
      <td class="event">
        {identity === undefined ? (
          <span class="soft">no identity, consumer {consumer}</span>
        ) : (
          <a class="id" href={hashOf({ view: "event", storeKey: identity.storeKey })}>
            <Name text={identity.eventId} prefix={shared.eventPrefix} />
          </a>
        )}
        <span
          class="under soft letter"
          title={`${original.subject}, number ${original.sequence} of ${original.stream}`}
        >
          letter {sequence} <Name text={original.subject} />
        </span>
      </td>
      {shared.subscription === undefined && (
        <td class="subscription">
          <Name text={identity?.subscriptionId ?? consumer} />
          {shared.workspace === undefined && (
            <span class="under soft">
              <Name text={identity?.workspaceId ?? ""} />
            </span>
          )}
        </td>
      )}
      <td class="reason">
        <span class="chip failure">{reason}</span>
        <span class="under soft error" title={error}>
          {error}
        </span>
      </td>
      <td class="attempt number">{amount(deliveries)}</td>
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
              onClick={() => (pendingBulk.value = redriveAction([letter], requestRedrive))}
            >
              Redrive…
            </button>
            <button
              type="button"
              class="button"
              aria-label={`Drop letter ${sequence}`}
              onClick={() => (pendingBulk.value = dropAction([letter], requestDrop))}
            >
              Drop…
            </button>
          </>
        )}
      </td>
    </tr>
  );
}
