import type { VNode } from "preact";
import { isHelpOpen, tabs } from "../browser/keyboard.ts";
import { Dialog } from "./dialog.tsx";

export function Help(): VNode | null {
  if (!isHelpOpen.value) return null;
  const close = (): void => {
    isHelpOpen.value = false;
  };
  return (
    <Dialog title="What Latchkey does" onClose={close}>
      <p>
        Events are delivered at least once: the same event can arrive several times, on different replicas of a service.
        Latchkey <em>dispatches</em> it once.
      </p>
      <ol class="story">
        <li>
          One replica <b>reserves</b> the event's key in a shared store.
        </li>
        <li>It runs the handler, and renews the lease until the handler returns.</li>
        <li>
          It <b>commits</b> the key. Every later delivery is a <b>duplicate</b> and is suppressed.
        </li>
        <li>
          If the handler fails, the key is <b>released</b>; if the replica dies, its lease <b>ends</b>. The next
          delivery is dispatched.
        </li>
        <li>
          A delivery that arrives while the key is held is <b>pending</b>. It comes back later, because the holder may
          fail.
        </li>
      </ol>
      <h3>Keyboard</h3>
      <dl class="keys">
        <dt>
          <kbd>1</kbd> to <kbd>{tabs().length}</kbd>
        </dt>
        <dd>open a view</dd>
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
        <dd>switch between light and dark</dd>
      </dl>
      <div class="choices">
        <button type="button" class="button" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
