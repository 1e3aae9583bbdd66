import type { Signal } from "@preact/signals";
import type { VNode } from "preact";
import type { ShownAttempt } from "../../server/wire.ts";
import { session } from "../browser/page-state.ts";
import { ATTEMPT_STATES, type AttemptFilter, NO_FILTER, namesOf } from "../state/attempt-list.ts";
import { StateSelect } from "./state-select.tsx";

type TextField = Exclude<keyof AttemptFilter, "state">;

const fields: readonly {
  readonly field: TextField;
  readonly name: string;
  readonly of: (attempt: ShownAttempt) => string;
}[] = [
  { field: "event", name: "Event", of: ({ identity }) => identity.eventId },
  { field: "subscription", name: "Subscription", of: ({ identity }) => identity.subscriptionId },
  { field: "workspace", name: "Workspace", of: ({ identity }) => identity.workspaceId },
  { field: "owner", name: "Owner", of: ({ owner }) => owner },
];

export function AttemptFilters({ filter }: { filter: Signal<AttemptFilter> }): VNode {
  const { attempts } = session();
  return (
    <form class="filters" onSubmit={(event) => event.preventDefault()} aria-label="Filter">
      {fields.map(({ field, name, of }) => (
        <label key={field}>
          <span>{name}</span>
          <input
            type="text"
            list={field === "event" ? undefined : `names-${field}`}
            placeholder="any"
            spellcheck={false}
            autocomplete="off"
            value={filter.value[field]}
            onInput={({ currentTarget }) => (filter.value = { ...filter.value, [field]: currentTarget.value })}
          />
          {field !== "event" && (
            <datalist id={`names-${field}`}>
              {namesOf(attempts.values(), of).map((text) => (
                <option key={text} value={text} />
              ))}
            </datalist>
          )}
        </label>
      ))}
      <StateSelect
        states={ATTEMPT_STATES}
        selected={filter.value.state}
        onSelect={(state) => (filter.value = { ...filter.value, state: state ?? "" })}
      />
      <button
        type="button"
        class="button"
        disabled={filter.value === NO_FILTER}
        onClick={() => (filter.value = NO_FILTER)}
      >
        Show all
      </button>
    </form>
  );
}
