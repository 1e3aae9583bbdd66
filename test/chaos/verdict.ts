import { checkHistory } from "../../src/testing/judge/check-history.ts";
import { checkStoreHistory } from "../../src/testing/judge/store-history.ts";
import { type Account, AUDITOR } from "./campaign.ts";
import { dispatchesByEvent } from "./dispatches.ts";
import type { Evidence } from "./evidence.ts";
import { TOLD_TO_END } from "./fleet.ts";
import { isOnceAndForAll } from "./producer.ts";
import { lost, miscounted, overtaken, restless, twice, untold } from "./rules.ts";

/** Something that must not have happened, and what shows that it did. */
export interface Finding {
  /** The guarantee that did not hold; `store` for what the servers owe; else what became of an event or a process. */
  readonly rule: string;
  readonly what: string;
}

/** Judges a campaign by what was written down. Every rule holds under any scheduling of the processes: see docs/guarantees.md. */
export function judge(account: Account, { history, books }: Evidence): readonly Finding[] {
  const dispatches = dispatchesByEvent(history, books);
  const died = new Set(history.flatMap((line) => (line.type === "died" ? [line.process] : [])));
  const dismissed = new Set(
    history.flatMap((line) => (line.type === "fault" && line.fault === TOLD_TO_END ? [line.process] : [])),
  );
  const ofHistory = checkHistory(history).map(({ guarantee, line, why }) => ({
    rule: guarantee,
    what: `line ${line}: ${why}`,
  }));
  const ofStore = checkStoreHistory(history, { exactReader: AUDITOR, failuresAreFinal: false }).map(({ key, why }) => ({
    rule: "store",
    what: `${key}: ${why}`,
  }));
  const ofEvents = [...dispatches].flatMap(([event, ofEvent]) => [
    ...overtaken(ofEvent),
    ...(isOnceAndForAll(event) ? twice(ofEvent) : []),
    ...untold(ofEvent, died, dismissed),
    ...miscounted(ofEvent),
  ]);
  return [...ofHistory, ...ofStore, ...lost(account, dispatches), ...ofEvents, ...restless(account)];
}
