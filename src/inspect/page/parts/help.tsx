import type { VNode } from "preact";
import { isHelpOpen } from "../browser/keys.ts";
import { Dialog } from "./dialog.tsx";

export function Help(): VNode | null {
  if (!isHelpOpen.value) return null;
  const close = (): void => {
    isHelpOpen.value = false;
  };
  return (
    <Dialog title="What Latchkey does" onClose={close}>
      <p>
        Events are delivered at least once: the same one can come two, three, ten times, to different replicas of a
        service. Latchkey sees to it that it is <em>dispatched</em> once.
      </p>
      <ol class="story">
        <li>
          A replica <b>reserves</b> the event's key in a shared store. Only one can.
        </li>
        <li>It runs the handler, and renews its lease while that takes.</li>
        <li>
          It <b>commits</b> the key. From then on every further delivery is a <b>duplicate</b>, and suppressed.
        </li>
        <li>
          If the handler fails, the key is <b>released</b>; if the replica dies, its lease <b>ends</b>. The next
          delivery is dispatched.
        </li>
        <li>
          A delivery that comes while the key is held is <b>put back</b>, never dropped: the holder may yet fail.
        </li>
      </ol>
      <h3>Keys</h3>
      <dl class="keys">
        <dt>
          <kbd>1</kbd> to <kbd>4</kbd>
        </dt>
        <dd>the views</dd>
        <dt>
          <kbd>/</kbd>
        </dt>
        <dd>find an event</dd>
        <dt>
          <kbd>↑</kbd> <kbd>↓</kbd> <kbd>Enter</kbd>
        </dt>
        <dd>move in a table, open an event</dd>
        <dt>
          <kbd>d</kbd>
        </dt>
        <dd>light or dark</dd>
      </dl>
      <div class="choices">
        <button type="button" class="button" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
