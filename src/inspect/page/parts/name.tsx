import type { VNode } from "preact";
import { splitName } from "../state/formats.ts";

interface NameProps {
  readonly text: string;
  /** Beginning that the names around it share. It is left out. */
  readonly prefix?: string;
}

/** A name that is shortened at a shared prefix and in the middle, since ids and owners differ at their ends. */
export function Name({ text, prefix = "" }: NameProps): VNode {
  const isShared = prefix !== "" && text.startsWith(prefix) && text !== prefix;
  const { head, tail } = splitName(isShared ? `…${text.slice(prefix.length)}` : text);
  if (tail === "" && !isShared) {
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
