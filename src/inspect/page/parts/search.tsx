import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import type { FoundEvent, SearchResult } from "../../server/wire.ts";
import { goTo } from "../browser/navigate.ts";
import { findEvents } from "../browser/server.ts";
import { sharedPrefix } from "../state/shared-names.ts";
import { Name } from "./name.tsx";

/** A search starts when the user stops typing. */
const TYPING_MS = 150;

/** Finds events in the store and the recording by a part of their ids. */
export function Search(): VNode {
  const text = useSignal("");
  const found = useSignal<SearchResult | undefined>(undefined);
  const selected = useSignal(0);

  const search = async (part: string): Promise<void> => {
    text.value = part;
    if (part === "") {
      found.value = undefined;
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, TYPING_MS));
    if (text.value !== part) return;
    const reply = await findEvents(part);
    if (text.value !== part) return;
    found.value = reply.ok ? reply.value : { events: [], incomplete: reply.message };
    selected.value = 0;
  };
  const open = (event: FoundEvent | undefined): void => {
    if (event === undefined) return;
    goTo({ view: "event", storeKey: event.identity.storeKey });
    close();
  };
  const close = (): void => {
    text.value = "";
    found.value = undefined;
  };
  const onKey = (event: KeyboardEvent): void => {
    const length = found.value?.events.length ?? 0;
    if (event.key === "ArrowDown") selected.value = Math.min(length - 1, selected.value + 1);
    else if (event.key === "ArrowUp") selected.value = Math.max(0, selected.value - 1);
    else if (event.key === "Enter") open(found.value?.events[selected.value]);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  };

  const prefix = sharedPrefix((found.value?.events ?? []).map(({ identity }) => identity.eventId));
  const isOpen = found.value !== undefined;
  return (
    <search class="search">
      <input
        id="search"
        type="text"
        role="combobox"
        autocomplete="off"
        spellcheck={false}
        placeholder="Find an event  /"
        aria-label="Find an event by its id"
        aria-expanded={isOpen}
        aria-controls="found"
        aria-activedescendant={isOpen && found.value?.events.length ? `found-${selected.value}` : undefined}
        value={text.value}
        onInput={({ currentTarget }) => void search(currentTarget.value)}
        onKeyDown={onKey}
        onBlur={close}
      />
      <div id="found" role="listbox" aria-label="Events found" class="found" hidden={!isOpen}>
        {found.value?.events.map((event, index) => (
          <div
            key={event.identity.storeKey}
            id={`found-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === selected.value}
            // Prevents the input from losing the focus.
            onMouseDown={(press) => {
              press.preventDefault();
              open(event);
            }}
          >
            <span class="id">
              <Name text={event.identity.eventId} prefix={prefix} />
            </span>
            <span class="soft">
              {event.identity.subscriptionId}
              {event.identity.workspaceId !== "" && `, ${event.identity.workspaceId}`}
            </span>
            <span class="soft found-state">{stateNames[event.state]}</span>
          </div>
        ))}
        {found.value?.events.length === 0 && found.value.incomplete === "" && (
          <p class="soft">No event has this in its id.</p>
        )}
        {found.value !== undefined && found.value.incomplete !== "" && (
          <p class="problem">Only recorded events were searched. {found.value.incomplete}.</p>
        )}
      </div>
    </search>
  );
}

const stateNames = { reserved: "reserved", committed: "committed", failed: "failed", none: "no key" } as const;
