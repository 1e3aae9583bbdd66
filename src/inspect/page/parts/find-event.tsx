import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { playback } from "../browser/board.ts";
import { goTo } from "../browser/navigate.ts";
import { askIdentity } from "../browser/server.ts";

/** Looks an event up by its whole identity, in the store if need be. */
export function FindEvent(): VNode {
  const problem = useSignal("");
  if (playback.value !== undefined) return <p class="soft">Find it by its id, above.</p>;
  const look = async (form: HTMLFormElement): Promise<void> => {
    const data = new FormData(form);
    const textOf = (name: string): string => {
      const value = data.get(name);
      return typeof value === "string" ? value.trim() : "";
    };
    const asked = await askIdentity({
      workspaceId: textOf("workspace"),
      subscriptionId: textOf("subscription"),
      eventId: textOf("event"),
    });
    if (asked.ok) goTo({ view: "event", storeKey: asked.value.identity.storeKey });
    else problem.value = asked.message;
  };
  return (
    <form
      class="find"
      onSubmit={(event) => {
        event.preventDefault();
        void look(event.currentTarget);
      }}
    >
      <label>
        <span>Subscription</span>
        <input name="subscription" required autocomplete="off" spellcheck={false} />
      </label>
      <label>
        <span>Event</span>
        <input name="event" required autocomplete="off" spellcheck={false} />
      </label>
      <label>
        <span>Workspace</span>
        <input name="workspace" placeholder="default" autocomplete="off" spellcheck={false} />
      </label>
      <button type="submit" class="button strong">
        Look
      </button>
      <p class="problem" role="alert">
        {problem.value}
      </p>
    </form>
  );
}
