import { signal } from "@preact/signals";

const query = matchMedia("(max-width: 700px)");
const isNarrow = signal(query.matches);
query.addEventListener("change", () => {
  isNarrow.value = query.matches;
});

/** Returns true on a phone, and subscribes the component to changes. */
export function useIsNarrow(): boolean {
  return isNarrow.value;
}
