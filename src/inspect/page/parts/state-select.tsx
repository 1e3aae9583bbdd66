import type { VNode } from "preact";

interface StateSelectProps<State extends string> {
  readonly states: readonly State[];
  /** Selected state; empty for any. */
  readonly selected: State | "";
  /** Called with the selected state, or `undefined` for any. */
  readonly onSelect: (state: State | undefined) => void;
}

/** Filter by state. */
export function StateSelect<State extends string>({ states, selected, onSelect }: StateSelectProps<State>): VNode {
  return (
    <label>
      <span>State</span>
      <select
        value={selected}
        onChange={({ currentTarget: { value } }) => onSelect(states.find((state) => state === value))}
      >
        <option value="">any</option>
        {states.map((state) => (
          <option key={state} value={state}>
            {state}
          </option>
        ))}
      </select>
    </label>
  );
}
