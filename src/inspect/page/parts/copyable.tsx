import type { VNode } from "preact";
import { amount } from "../../../internal/counted.ts";
import { toast } from "../browser/page-state.ts";
import { shortKey } from "../state/formats.ts";

interface CopyableProps {
  /** Text that a click copies. */
  readonly text: string;
  /** Noun for people, such as `key`. */
  readonly what: string;
  readonly shown: string;
  readonly class?: string;
}

/** A text that a click copies. */
function Copyable({ text, what, shown, class: name = "" }: CopyableProps): VNode {
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      toast.value = { text: `The ${what} was copied`, isError: false };
    } catch {
      toast.value = { text: `Copying is not allowed. The ${what} is ${text}`, isError: true };
    }
  };
  return (
    <button type="button" class={`copyable ${name}`} title={`Copy ${what} ${text}`} onClick={() => void copy()}>
      {shown}
    </button>
  );
}

/** A shortened key. A click copies the whole key. */
export function ShortKey({ storeKey }: { storeKey: string }): VNode {
  return <Copyable text={storeKey} what="key" shown={shortKey(storeKey)} class="short-key id soft" />;
}

/** A fence or another number of the store. A click copies it without separators. */
export function CopyableNumber({ value, what }: { value: number; what: string }): VNode {
  return <Copyable text={String(value)} what={what} shown={amount(value)} />;
}
