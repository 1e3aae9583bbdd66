import type { History } from "../../../history/history.ts";
import { checkHistory } from "../../../testing/judge/check-history.ts";
import type { Violation } from "../../../testing/judge/violation.ts";
import { type ReportRow, rowsUpTo } from "../../../testing/report/rows.ts";
import { simulatePartly } from "../../../testing/sim/partial-run.ts";
import type { OperationKind, Schedule } from "../../../testing/sim/schedule.ts";
import { scenarioOf } from "../../../testing/sim/scope.ts";
import type { PlayedHandler } from "./handlers.ts";

/** Something that can happen next. */
export interface PossibleStep {
  /** Number in the schedule. */
  readonly choice: number;
  readonly kind: OperationKind;
  readonly task: string;
  readonly label: string;
}

/** Part of a run that the page shows. */
export interface PlayedRun {
  readonly rows: readonly ReportRow[];
  readonly violations: readonly Violation[];
  readonly possible: readonly PossibleStep[];
  /** Content of each key, by its name. */
  readonly store: ReadonlyMap<string, string>;
  /** State of the dedup-key machine that corresponds to the last record of the store. */
  readonly state: "unseen" | "reserved" | "committed";
  readonly nowMs: number;
}

const SCOPE = { replicas: 2, events: 1, deliveries: 2, jumpMs: 8_000, ackWaitMs: 10_000 };

/** Runs a handler up to the end of a schedule. */
export async function playSchedule({ handler }: PlayedHandler, schedule: Schedule): Promise<PlayedRun> {
  const { history, possible } = await simulatePartly(scenarioOf(handler, SCOPE, "all"), schedule);
  const violations = checkHistory(history);
  const last = history.findLast((line) => line.type !== "history");
  return {
    rows: rowsUpTo(history, violations),
    violations,
    possible:
      violations.length > 0
        ? []
        : possible.map(({ kind, task, label }, choice) => ({
            choice,
            kind,
            task,
            label: jumpWords(possible, choice) ?? label,
          })),
    ...storeIn(history),
    nowMs: last?.atMs ?? 0,
  };
}

/** Distinguishes the long clock jump from the short one that follows it. */
function jumpWords(possible: readonly { readonly label: string }[], choice: number): string | undefined {
  if (possible[choice]?.label !== "clock jump") return undefined;
  const isLong = possible[choice + 1]?.label === "clock jump";
  return `jumps ${(isLong ? SCOPE.jumpMs : SCOPE.jumpMs / 2) / 1_000} s ahead`;
}

function storeIn(history: History): Pick<PlayedRun, "store" | "state"> {
  const store = new Map<string, string>();
  let state: PlayedRun["state"] = "unseen";
  for (const line of history) {
    if (line.type === "store.held" && "record" in line) {
      const { eventId, owner } = line.record;
      store.set(line.key, `${eventId}: ${line.record.state} by ${owner}, revision ${line.revision}`);
      state = line.record.state;
    } else if (line.type === "store.held") {
      store.set(line.key, `${line.key} = ${JSON.stringify(line.value)}, revision ${line.revision}`);
      state = line.value === "done" ? "committed" : "reserved";
    } else if (line.type === "store.removed") {
      store.delete(line.key);
      state = "unseen";
    }
  }
  return { store, state };
}
