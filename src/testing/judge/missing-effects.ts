import type { History } from "../../history/history.ts";
import type { Violation } from "./violation.ts";

/** Returns a violation for each acknowledged event that never had one of the named effects. */
export function missingEffects(history: History, names: readonly string[]): readonly Violation[] {
  if (names.length === 0 || history.some((line) => line.type === "fault" && line.fault === "amnesia")) return [];
  const running = new Map<string, string>();
  const succeeded = new Set<string>();
  const acknowledged = new Map<string, { readonly process: string; readonly line: number }>();
  const deadLettered = new Set<string>();
  for (const [index, line] of history.entries()) {
    if (line.type === "effect.began") running.set(`${line.process} ${line.effect}`, line.name);
    else if (line.type === "effect.ended" && !line.failed) {
      succeeded.add(`${line.event} ${running.get(`${line.process} ${line.effect}`) ?? ""}`);
    } else if (line.type === "answered" && line.answer === "acknowledged" && !acknowledged.has(line.event)) {
      acknowledged.set(line.event, { process: line.process, line: index + 1 });
    } else if (line.type === "settled") for (const event of line.deadLettered ?? []) deadLettered.add(event);
  }
  return [...acknowledged].flatMap(([event, { process, line }]) =>
    names
      .filter((name) => !succeeded.has(`${event} ${name}`) && !deadLettered.has(event))
      .map(
        (name): Violation => ({
          guarantee: "G2",
          line,
          why: `${process} acknowledged ${event}, and its ${name} never succeeded`,
        }),
      ),
  );
}
