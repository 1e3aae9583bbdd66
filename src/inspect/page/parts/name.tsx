import type { VNode } from "preact";
import { toast } from "../browser/page-state.ts";
import { shortKey, splitName } from "../state/formats.ts";

/** A name that is shortened in the middle, since ids and owners differ at their ends. */
export function Name({ text }: { text: string }): VNode {
  const { head, tail } = splitName(text);
  if (tail === "") {
    return (
      <span class="name-text" title={text}>
        <span class="head">{head}</span>
      </span>
    );
  }
  // Screen readers get the name in one piece.
  return (
    <span class="name-text" title={text}>
      <span class="visually-hidden">{text}</span>
      <span class="head" aria-hidden="true">
        {head}
      </span>
      <span class="tail" aria-hidden="true">
        {tail}
      </span>
    </span>
  );
}

/** A shortened key. A click copies the whole key. */
export function ShortKey({ storeKey }: { storeKey: string }): VNode {
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(storeKey);
      toast.value = { text: "The key was copied", isError: false };
    } catch {
      toast.value = { text: `Copying is not allowed. The key is ${storeKey}`, isError: true };
    }
  };
  return (
    <button type="button" class="short-key id soft" title={`Copy ${storeKey}`} onClick={() => void copy()}>
      {shortKey(storeKey)}
    </button>
  );
}
