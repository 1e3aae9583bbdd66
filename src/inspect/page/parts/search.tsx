import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import type { EventRef } from "../../trace/trace-event.ts";
import { goTo } from "../browser/navigate.ts";
import { findEvents } from "../browser/server.ts";

/** Finds an event by a part of its id. */
export function Search(): VNode {
  const text = useSignal("");
  const found = useSignal<readonly EventRef[] | undefined>(undefined);
  const selected = useSignal(0);

  const search = async (part: string): Promise<void> => {
    text.value = part;
    if (part === "") {
      found.value = undefined;
      return;
    }
    const reply = await findEvents(part);
    if (text.value !== part) return;
    found.value = reply.ok ? reply.value : [];
    selected.value = 0;
  };
  const open = (event: EventRef | undefined): void => {
    if (event === undefined) return;
    goTo({ view: "event", storeKey: event.storeKey });
    close();
  };
  const close = (): void => {
    text.value = "";
    found.value = undefined;
  };
  const onKey = (event: KeyboardEvent): void => {
    const length = found.value?.length ?? 0;
    if (event.key === "ArrowDown") selected.value = Math.min(length - 1, selected.value + 1);
    else if (event.key === "ArrowUp") selected.value = Math.max(0, selected.value - 1);
    else if (event.key === "Enter") open(found.value?.[selected.value]);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  };

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
        aria-activedescendant={isOpen && found.value?.length ? `found-${selected.value}` : undefined}
        value={text.value}
        onInput={({ currentTarget }) => void search(currentTarget.value)}
        onKeyDown={onKey}
        onBlur={close}
      />
      <div id="found" role="listbox" aria-label="Events found" class="found" hidden={!isOpen}>
        {found.value?.map((event, index) => (
          <div
            key={event.storeKey}
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
            <span class="id">{event.eventId}</span>
            <span class="soft">{event.subscriptionId}</span>
          </div>
        ))}
        {found.value?.length === 0 && <p class="soft">No recorded event has this in its id.</p>}
      </div>
    </search>
  );
}
