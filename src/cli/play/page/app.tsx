import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import { guaranteeTitles } from "../../../testing/judge/violation.ts";
import type { Schedule } from "../../../testing/sim/schedule.ts";
import { handlers } from "./handlers.ts";
import { Lanes } from "./lanes.tsx";
import { fragmentOf, linkIn } from "./link.ts";
import { type PlayedRun, playSchedule } from "./simulation.ts";
import { StateChart } from "./state-chart.tsx";
import { StepButtons } from "./steps.tsx";

/** Steps that "Run to the end" takes at most. */
const MAX_STEPS = 400;

/** Pause between two steps that are watched, in milliseconds. */
const WATCH_MS = 700;

/** The live simulator: one run, and everything that can happen next. The page's address names the run. */
export function App(): VNode {
  const link = useSignal(linkIn(location.hash, handlers));
  const run = useSignal<PlayedRun | undefined>(undefined);
  const isCopied = useSignal(false);
  const isWatching = useSignal(false);
  const { handler: id, schedule } = link.value;
  const played = handlers.find((one) => one.id === id) ?? handlers[0];

  useEffect(() => {
    let isCurrent = true;
    if (played !== undefined) {
      void playSchedule(played, schedule).then((next) => {
        if (isCurrent) run.value = next;
      });
    }
    return () => {
      isCurrent = false;
    };
  }, [played, schedule]);

  useEffect(() => {
    const follow = (): void => {
      link.value = linkIn(location.hash, handlers);
    };
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);

  const move = (handler: string, next: Schedule): void => {
    link.value = { handler, schedule: next };
    isCopied.value = false;
    history.replaceState(null, "", fragmentOf(link.value));
  };
  const show = (handler: string, next: Schedule): void => {
    isWatching.value = false;
    move(handler, next);
  };
  const watch = (): void => {
    move(id, []);
    isWatching.value = true;
  };
  // Plays the example of the handler, one step at a time, until its schedule ends.
  useEffect(() => {
    if (!isWatching.value || played === undefined || run.value === undefined) return undefined;
    const { possible } = run.value;
    const isOver = possible.length === 0;
    const timer = setTimeout(() => {
      if (isOver) isWatching.value = false;
      else move(id, [...schedule, played.example[schedule.length] ?? 0]);
    }, WATCH_MS);
    return () => clearTimeout(timer);
  }, [isWatching.value, run.value]);
  const runToEnd = async (): Promise<void> => {
    if (played === undefined) return;
    let next = schedule;
    for (let steps = 0; steps < MAX_STEPS; steps += 1) {
      const { possible } = await playSchedule(played, next);
      if (possible.length === 0 || (steps > 0 && possible.every(({ kind }) => kind === "time" || kind === "fault")))
        break;
      next = [...next, 0];
    }
    show(id, next);
  };
  const copy = (): void => {
    void navigator.clipboard.writeText(location.href).then(() => {
      isCopied.value = true;
    });
  };

  const now = run.value;
  const violation = now?.violations[0];
  const isExample = played?.example.every((choice, index) => schedule[index] === choice) === true;
  return (
    <>
      <header>
        <h1>Dispatch each event once</h1>
        <p class="soft">
          A broker delivers event E1 in two messages, to two replicas that share a store. You decide what happens next.
        </p>
        <div class="controls">
          <select aria-label="Handler" value={id} onChange={({ currentTarget }) => show(currentTarget.value, [])}>
            {handlers.map((one) => (
              <option key={one.id} value={one.id}>
                {one.title}
              </option>
            ))}
          </select>
          <button type="button" class="main" onClick={isWatching.value ? () => show(id, schedule) : watch}>
            {isWatching.value ? "Pause" : "Watch"}
          </button>
          <button type="button" disabled={(now?.possible.length ?? 0) === 0} onClick={() => show(id, [...schedule, 0])}>
            Step
          </button>
          <button type="button" disabled={(now?.possible.length ?? 0) === 0} onClick={() => void runToEnd()}>
            Run to the end
          </button>
          <button type="button" disabled={schedule.length === 0} onClick={() => show(id, schedule.slice(0, -1))}>
            Undo
          </button>
          <button type="button" disabled={schedule.length === 0} onClick={() => show(id, [])}>
            Restart
          </button>
          <button type="button" onClick={copy}>
            {isCopied.value ? "Link copied" : "Copy link to this run"}
          </button>
        </div>
        <p class="soft">{played?.advice}</p>
        {violation !== undefined && (
          <p class="broken" role="alert">
            {violation.guarantee} ({guaranteeTitles[violation.guarantee]}) is broken: {violation.why}
          </p>
        )}
        {violation === undefined && now !== undefined && now.possible.length === 0 && (
          <p class="kept">The run is over, and every guarantee held.</p>
        )}
        {isExample && now?.possible.length === 0 && <p class="lesson">{played.lesson}</p>}
      </header>
      <div class="columns">
        <div>
          <section class="lanes" aria-label="What happened">
            <Lanes rows={now?.rows ?? []} brokenIn={violation?.line} />
          </section>
        </div>
        <div class="next">
          <section class="choices">
            <h2>What happens next</h2>
            <StepButtons possible={now?.possible ?? []} pick={(choice) => show(id, [...schedule, choice])} />
          </section>
          <section>
            <h2>The store, after {((now?.nowMs ?? 0) / 1_000).toFixed(1)} s</h2>
            <ul>
              {[...(now?.store ?? [])].map(([key, text]) => (
                <li key={key}>{text}</li>
              ))}
              {now?.store.size === 0 && <li class="soft">empty</li>}
            </ul>
          </section>
          <section>
            <h2>The key's state</h2>
            <StateChart state={now?.state ?? "unseen"} />
          </section>
        </div>
      </div>
    </>
  );
}
