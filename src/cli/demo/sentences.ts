import { amount, count, type Paint, printable, seconds } from "../terminal/style.ts";
import type { Incident } from "./incident.ts";
import type { Summary } from "./summary.ts";
import { LEASE_MS } from "./world.ts";

export interface Opening {
  readonly seed: number;
  readonly samples: string;
  readonly events: number;
  readonly sendings: number;
  readonly world: string;
  readonly replicas: number;
  readonly endpoint: string;
  /** The address of the inspector; undefined without one. */
  readonly inspector: string | undefined;
}

export function openingText(opening: Opening, paint: Paint): string {
  const { seed, samples, events, sendings, world, replicas, endpoint, inspector } = opening;
  return [
    `${paint("bold", "Latchkey demo")}, a trigger service in one process ${paint("dim", `(--seed ${seed})`)}`,
    `  sender     ${amount(events)} ${samples}, sent ${amount(sendings)} times in all`,
    `  replicas   ${replicas}, over ${printable(world)}; leases of ${seconds(LEASE_MS)}; now and then one dies`,
    `  endpoint   ${endpoint}, which refuses some requests at first, and keeps its own books`,
    ...(inspector === undefined ? [] : [`  inspector  ${inspector} ${paint("dim", "(open it in a browser)")}`]),
    "",
    "",
  ].join("\n");
}

export function incidentText(incident: Incident, atMs: number, isLast: boolean, paint: Paint): string {
  const time = paint("dim", `${(atMs / 1_000).toFixed(2).padStart(6)} s`);
  const { label, text } = words(incident, paint);
  const more = isLast ? paint("dim", " (and so on)") : "";
  return `${time}  ${label}  ${text}${more}\n`;
}

const LABEL_WIDTH = 10;

function words(incident: Incident, paint: Paint): { label: string; text: string } {
  const label = (text: string): string => text.padEnd(LABEL_WIDTH);
  const { replica } = incident;
  switch (incident.type) {
    case "started": {
      const instead = incident.instead === undefined ? "" : ` in place of ${incident.instead}`;
      return { label: paint("dim", label("start")), text: `${replica} starts${instead}` };
    }
    case "duplicate":
      return {
        label: paint("cyan", label("duplicate")),
        text: `${printable(incident.event)} came again to ${replica}: acknowledged, not dispatched`,
      };
    case "pending":
      return {
        label: paint("blue", label("pending")),
        text: `${printable(incident.event)} is being dispatched: put back by ${replica}`,
      };
    case "refused":
      return {
        label: paint("yellow", label("refused")),
        text: `${printable(incident.event)} refused by the endpoint: released and put back`,
      };
    case "retried":
      return {
        label: paint("green", label("retried")),
        text: `${printable(incident.event)} done after all by ${replica}`,
      };
    case "crashed": {
      const moment = incident.when === "before" ? "just before the endpoint got" : "just after the endpoint took";
      return {
        label: paint("red", label("crash")),
        text: `${replica} dies with ${count(incident.inHand, "event")} in hand, ${moment} ${printable(incident.event)}`,
      };
    }
    case "taken-over":
      return {
        label: paint("magenta", label("takeover")),
        text: `${printable(incident.event)} from ${incident.from}, by ${replica}: fence ${incident.fence} after ${incident.formerFence}`,
      };
  }
}

interface Row {
  readonly label: string;
  readonly number: number;
  readonly remark?: string;
  /** A promise: it must be 0. */
  readonly isPromise?: boolean;
}

const MARGIN = 2;

export function reckoningText(reckoning: Summary, durationMs: number, paint: Paint): string {
  const rows: readonly Row[] = [
    { label: "events", number: reckoning.events },
    { label: "deliveries", number: reckoning.deliveries, remark: "by the broker, at least once" },
    { label: "dispatches", number: reckoning.dispatches, remark: "requests to the endpoint" },
    { label: "  done", number: reckoning.done },
    { label: "  refused by the endpoint", number: reckoning.refused },
    { label: "  broken off by a crash", number: reckoning.brokenOff },
    { label: "duplicates suppressed", number: reckoning.suppressed, remark: "acknowledged without a request" },
    { label: "pending put back", number: reckoning.pending, remark: "without a request, to come again" },
    { label: "never answered", number: reckoning.unanswered, remark: "their replica had died: delivered again" },
    { label: "retried after failure", number: reckoning.retried, remark: "events" },
    {
      label: "done again before commit",
      number: reckoning.doneAgain,
      remark: "a crash came between effect and commit: idempotency key and fence tell",
    },
    { label: "lost", number: reckoning.lost, isPromise: true },
    { label: "dispatched twice after commit", number: reckoning.afterCommit, isPromise: true },
    { label: "fences that fell", number: reckoning.fencesFallen, isPromise: true },
  ];
  const labelWidth = Math.max(...rows.map(({ label }) => label.length)) + MARGIN;
  const width = Math.max(...rows.map(({ number }) => amount(number).length));
  const line = ({ label, number, remark, isPromise = false }: Row): string => {
    const shown = `  ${label.padEnd(labelWidth)}${amount(number).padStart(width)}`;
    if (isPromise) return number === 0 ? `${shown}  ${paint("green", "✓")}` : paint("red", `${shown}  ✗`);
    return remark === undefined ? shown : `${shown}  ${paint("dim", remark)}`;
  };
  return [
    "",
    `${paint("bold", `After ${seconds(durationMs)}`)}, counted at the sender, the broker, the endpoint and the store's door, not by Latchkey:`,
    ...rows.map(line),
    "",
  ].join("\n");
}

export const demoSentences = {
  gaveUp: (patienceMs: number): string => `Gave up after ${seconds(patienceMs)}: not everything was acknowledged.\n`,
  staysOpen: (url: string): string => `\nThe inspector stays open at ${url}\nPress Ctrl-C to end.\n`,
  interrupted: "Interrupted: there is nothing to reckon.\n",
} as const;
