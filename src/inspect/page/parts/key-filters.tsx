import { useSignal } from "@preact/signals";
import type { ComponentChildren, VNode } from "preact";
import { ALL_KEYS, formatKeyQuery, KEY_STATES, type KeyQuery } from "../../server/key-query.ts";
import { goTo } from "../browser/navigate.ts";
import { StateSelect } from "./state-select.tsx";

/** A filter is applied when the user stops typing. */
const TYPING_MS = 250;

const textFields = [
  ["event", "Event"],
  ["subscription", "Subscription"],
  ["workspace", "Workspace"],
  ["owner", "Owner"],
  ["error", "Error"],
] as const;

interface KeyFiltersProps {
  readonly query: KeyQuery;
  /** Actions on the matching keys. */
  readonly children: ComponentChildren;
}

/** Filters of the table of keys. Each change shows the first page. */
export function KeyFilters({ query, children }: KeyFiltersProps): VNode {
  const timer = useSignal<ReturnType<typeof setTimeout> | undefined>(undefined);
  const show = (change: Partial<KeyQuery>): void => goTo({ view: "keys", query: { ...query, page: 1, ...change } });
  return (
    <form class="filters" onSubmit={(event) => event.preventDefault()} aria-label="Filter">
      {textFields
        .filter(([field]) => field !== "error" || query.state === "failed")
        .map(([field, name]) => (
          <label key={field}>
            <span>{name}</span>
            <input
              type="text"
              placeholder="any"
              spellcheck={false}
              autocomplete="off"
              value={query[field]}
              onInput={({ currentTarget: { value } }) => {
                clearTimeout(timer.value);
                timer.value = setTimeout(() => show({ [field]: value }), TYPING_MS);
              }}
            />
          </label>
        ))}
      <StateSelect
        states={KEY_STATES}
        selected={query.state}
        onSelect={(state) => show({ error: "", state: state ?? "" })}
      />
      <button
        type="button"
        class="button"
        disabled={formatKeyQuery(query) === ""}
        onClick={() => goTo({ view: "keys", query: ALL_KEYS })}
      >
        Show all
      </button>
      {children}
    </form>
  );
}
