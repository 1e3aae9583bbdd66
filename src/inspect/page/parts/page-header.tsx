import type { VNode } from "preact";
import { amount } from "../../../internal/counted.ts";
import { openFile } from "../browser/files.ts";
import { isHelpOpen, tabs } from "../browser/keyboard.ts";
import { link, playback, route, session } from "../browser/page-state.ts";
import { theme, toggleTheme } from "../browser/theme.ts";
import type { Link } from "../state/live-feed.ts";
import { hashOf } from "../state/route.ts";
import { openNotices } from "../state/summary.ts";
import { Search } from "./search.tsx";

export function PageHeader(): VNode {
  return (
    <header class="header">
      <a class="brand" href="#/">
        <Mark />
        <h1>Latchkey</h1>
      </a>
      <Source />
      <nav aria-label="Views">
        {tabs().map(({ route: to, name }) => (
          <a key={name} class="tab" href={hashOf(to)} aria-current={route.value.view === to.view ? "page" : undefined}>
            {name}
            {to.view === "in-flight" && <Badge value={session().attempts.size} of="in flight" />}
            {to.view === "totals" && <Badge value={openNotices(session())} of="need attention" isUrgent />}
          </a>
        ))}
      </nav>
      <Search />
      <div class="tools">
        <OpenFile />
        <button
          type="button"
          class="icon"
          onClick={toggleTheme}
          aria-label={`Switch to the ${other(theme.value)} theme`}
        >
          {theme.value === "dark" ? "☀" : "☾"}
        </button>
        <button type="button" class="icon" onClick={() => (isHelpOpen.value = true)} aria-label="Help">
          ?
        </button>
      </div>
    </header>
  );
}

function other(name: "light" | "dark"): string {
  return name === "dark" ? "light" : "dark";
}

function Badge({ value, of, isUrgent = false }: { value: number; of: string; isUrgent?: boolean }): VNode | null {
  if (value === 0) return null;
  return (
    <span class={isUrgent ? "badge urgent" : "badge"}>
      {amount(value)}
      <span class="visually-hidden"> {of}</span>
    </span>
  );
}

function Source(): VNode {
  const { source } = session();
  const recording = playback.value;
  const { word, tone } =
    recording === undefined ? linkWords[link.value.state] : { word: "Recording", tone: "recording" };
  return (
    <p class="source">
      <span class={`pill ${tone}`} role="status">
        {word}
      </span>
      <span class="source-name" title={source === undefined ? "" : `${sourceWords[source.sees]} ${source.name}`.trim()}>
        {source?.name}
      </span>
      {source !== undefined && !source.canChange && recording === undefined && (
        <span class="pill quiet">read-only</span>
      )}
    </p>
  );
}

const sourceWords = { process: "process", cluster: "all replicas of", file: "" } as const;

const linkWords: Readonly<Record<Link["state"], { readonly word: string; readonly tone: string }>> = {
  connecting: { word: "Connecting", tone: "quiet" },
  live: { word: "Live", tone: "live" },
  lost: { word: "Disconnected", tone: "lost" },
  refused: { word: "Refused", tone: "lost" },
};

function OpenFile(): VNode {
  return (
    <label class="button">
      Open a run
      <span class="visually-hidden">, a recorded history as NDJSON</span>
      <input
        class="visually-hidden"
        type="file"
        accept=".ndjson,.jsonl,.json,application/x-ndjson"
        onChange={({ currentTarget }) => {
          const file = currentTarget.files?.[0];
          if (file !== undefined) void openFile(file);
          currentTarget.value = "";
        }}
      />
    </label>
  );
}

function Mark(): VNode {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <circle cx="16" cy="13" r="4.5" />
      <path d="M14 15h4l1.5 9h-7z" />
    </svg>
  );
}
