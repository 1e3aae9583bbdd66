import { checkHistory } from "../../src/testing/judge/check-history.ts";
import { checkStoreHistory } from "../../src/testing/judge/store-history.ts";
import { AUDITOR, type CampaignTotals } from "./campaign.ts";
import { dispatchesByEvent } from "./dispatches.ts";
import type { Logs } from "./logs.ts";
import { isDispatchedOnce } from "./producer.ts";
import { inSequenceNumbers } from "./raised-fences.ts";
import { countedTwice, lost, miscounted, overtaken, unreported, unsettled } from "./rules.ts";
import { STOP_REQUESTED } from "./worker-slot.ts";

/** A broken rule, and the evidence for it. */
export interface Violation {
  /** A guarantee (`G1` …), `store` for a fault of the servers, or the name of a rule about an event or a process. */
  readonly rule: string;
  readonly what: string;
}

/** Judges a campaign by its logs. Every rule holds under any scheduling of the processes: see docs/guarantees.md. */
export function judge(totals: CampaignTotals, { history, requests }: Logs): readonly Violation[] {
  const dispatches = dispatchesByEvent(history, requests);
  const died = new Set(history.flatMap((line) => (line.type === "died" ? [line.process] : [])));
  const stopped = new Set(
    history.flatMap((line) => (line.type === "fault" && line.fault === STOP_REQUESTED ? [line.process] : [])),
  );
  const numbered = inSequenceNumbers(history);
  const ofHistory = checkHistory(numbered).map(({ guarantee, line, why }) => ({
    rule: guarantee,
    what: `line ${line}: ${why}`,
  }));
  const ofStore = checkStoreHistory(numbered, { exactReader: AUDITOR, failuresAreFinal: false }).map(
    ({ key, why }) => ({
      rule: "store",
      what: `${key}: ${why}`,
    }),
  );
  const ofEvents = [...dispatches].flatMap(([event, ofEvent]) => [
    ...overtaken(ofEvent),
    ...(isDispatchedOnce(event) ? countedTwice(ofEvent) : []),
    ...unreported(ofEvent, died, stopped),
    ...miscounted(ofEvent),
  ]);
  return [...ofHistory, ...ofStore, ...lost(totals, dispatches), ...ofEvents, ...unsettled(totals)];
}
