import type { History } from "../../history/history.ts";
import { saidOfBroken } from "./lanes.ts";
import { brokenAt, type Moment, momentsUpTo } from "./moments.ts";
import type { Broken } from "./run.ts";

const BROKER = "b";
const STORE = "s";

/** A run as a Mermaid `sequenceDiagram`, up to what it broke first. */
export function drawSequence(history: History, broken: readonly Broken[]): string {
  const moments = momentsUpTo(history, broken);
  const doing = moments.filter(({ kind }) => kind === "delivered" || kind === "asked" || kind === "did");
  const ids = new Map(
    [...new Set(doing.map(({ process }) => process))].map((process, index) => [process, `p${index}`]),
  );
  const participants = [[BROKER, "broker"], ...[...ids].map(([process, id]) => [id, process]), [STORE, "store"]];
  const lines = moments.flatMap((moment) => [
    ...arrowsOf(moment, ids.get(moment.process)),
    ...brokenAt(moment, broken).map((one) =>
      noteOver(`${BROKER},${STORE}`, saidOfBroken(one).join(" ").replaceAll(/\s+/g, " ").trim()),
    ),
  ]);
  return [
    "sequenceDiagram",
    ...participants.map(([id, name]) => `  participant ${id} as ${escaped(name ?? "")}`),
    ...lines.map((line) => `  ${line}`),
    "",
  ].join("\n");
}

function arrowsOf({ kind, text, answer, held }: Moment, process: string | undefined): readonly string[] {
  if (kind === "held") return [noteOver(STORE, held ?? "")];
  if (process === undefined) return [noteOver(`${BROKER},${STORE}`, text)];
  const notes = held === undefined ? [] : [noteOver(STORE, held)];
  switch (kind) {
    case "delivered":
      return [arrow(BROKER, "->>", process, text)];
    case "answered":
      return [arrow(process, "->>", BROKER, text)];
    case "asked":
      return [
        arrow(process, "->>", STORE, text),
        ...notes,
        ...(answer === undefined ? [] : [arrow(STORE, "-->>", process, answer)]),
      ];
    case "told":
      return [arrow(STORE, "-->>", process, `${text}: ${answer ?? ""}`)];
    case "did":
    case "went wrong":
    case "settled":
      return [noteOver(process, text)];
  }
}

function arrow(from: string, how: string, to: string, text: string): string {
  return `${from}${how}${to}: ${escaped(text)}`;
}

function noteOver(whom: string, text: string): string {
  return `Note over ${whom}: ${escaped(text)}`;
}

/** Mermaid's way to write what it would read as syntax. */
function escaped(text: string): string {
  return text.replaceAll(/[#;<>{}\n]/g, (character) => `#${character.charCodeAt(0)};`);
}
