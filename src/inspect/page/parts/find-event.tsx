import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { goTo } from "../browser/navigate.ts";
import { playback } from "../browser/page-state.ts";
import { requestIdentity } from "../browser/server.ts";

/** Looks up an event in the store by its full identity. */
export function FindEvent(): VNode {
  const problem = useSignal("");
  if (playback.value !== undefined) return <p class="soft">Search for its id above.</p>;
  const lookUp = async (form: HTMLFormElement): Promise<void> => {
    const data = new FormData(form);
    const textOf = (name: string): string => {
      const value = data.get(name);
      return typeof value === "string" ? value.trim() : "";
    };
    const reply = await requestIdentity({
      workspaceId: textOf("workspace"),
      subscriptionId: textOf("subscription"),
      eventId: textOf("event"),
    });
    if (reply.ok) goTo({ view: "event", storeKey: reply.value.identity.storeKey });
    else problem.value = reply.message;
  };
  return (
    <form
      class="find"
      onSubmit={(event) => {
        event.preventDefault();
        void lookUp(event.currentTarget);
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
        Look up
      </button>
      <p class="problem" role="alert">
        {problem.value}
      </p>
    </form>
  );
}
