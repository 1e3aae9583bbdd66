import { amount, counted } from "../../../internal/counted.ts";
import { secondsText } from "../../terminal/format.ts";
import type { Paint } from "../../terminal/paint.ts";
import { printable } from "../../terminal/printable.ts";
import { LEASE_MS } from "../broker/backend.ts";
import type { Incident } from "../replicas/incident.ts";
import type { Summary } from "./summary.ts";

/** Settings of a demo, as its first lines show them. */
export interface DemoSettings {
  readonly seed: number;
  readonly samples: string;
  readonly events: number;
  readonly sends: number;
  readonly backend: string;
  readonly replicas: number;
  readonly endpoint: string;
  /** URL of the inspector. Undefined without one. */
  readonly inspector: string | undefined;
}

export function openingText(opening: DemoSettings, paint: Paint): string {
  const { seed, samples, events, sends, backend, replicas, endpoint, inspector } = opening;
  return [
    `${paint("bold", "Latchkey demo")}, a trigger service in one process ${paint("dim", `(--seed ${seed})`)}`,
    `  sender     ${amount(events)} ${samples}, sent ${amount(sends)} times in total`,
    `  replicas   ${replicas}, sharing ${printable(backend)}; leases of ${secondsText(LEASE_MS)}; some crash`,
    `  endpoint   ${endpoint}, which refuses some requests and records all`,
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
      const replaces = incident.replaces === undefined ? "" : ` in place of ${incident.replaces}`;
      return { label: paint("dim", label("start")), text: `${replica} starts${replaces}` };
    }
    case "duplicate":
      return {
        label: paint("cyan", label("duplicate")),
        text: `${printable(incident.event)} redelivered to ${replica}: acknowledged, not dispatched`,
      };
    case "pending":
      return {
        label: paint("blue", label("pending")),
        text: `${printable(incident.event)} is in flight elsewhere: nak by ${replica}`,
      };
    case "refused":
      return {
        label: paint("yellow", label("refused")),
        text: `${printable(incident.event)} refused by the endpoint: released, nak`,
      };
    case "retried":
      return {
        label: paint("green", label("retried")),
        text: `${printable(incident.event)} dispatched by ${replica} after a failure`,
      };
    case "crashed": {
      const moment = incident.when === "before" ? "before it sent" : "after the endpoint accepted";
      return {
        label: paint("red", label("crash")),
        text: `${replica} crashes with ${counted(incident.inFlight, "event")} in flight, ${moment} ${printable(incident.event)}`,
      };
    }
    case "taken-over":
      return {
        label: paint("magenta", label("takeover")),
        text: `${printable(incident.event)} from ${incident.from}, by ${replica}: fence ${incident.fence} after ${incident.previousFence}`,
      };
  }
}

interface Row {
  readonly label: string;
  readonly number: number;
  readonly remark?: string;
  /** True for a guarantee: the number must be 0. */
  readonly isPromise?: boolean;
}

const MARGIN = 2;

export function demoSummaryText(summary: Summary, durationMs: number, paint: Paint): string {
  const rows: readonly Row[] = [
    { label: "events", number: summary.events },
    { label: "deliveries", number: summary.deliveries, remark: "by the broker, at least once" },
    { label: "dispatches", number: summary.dispatches, remark: "requests to the endpoint" },
    { label: "  done", number: summary.done },
    { label: "  refused by the endpoint", number: summary.refused },
    { label: "  aborted by a crash", number: summary.aborted },
    { label: "duplicates suppressed", number: summary.suppressed, remark: "acknowledged without a request" },
    { label: "pending", number: summary.pending, remark: "negatively acknowledged without a request" },
    { label: "never acknowledged", number: summary.unanswered, remark: "their replica crashed: redelivered" },
    { label: "retried after failure", number: summary.retried, remark: "events" },
    {
      label: "done again before commit",
      number: summary.doneAgain,
      remark: "a crash between effect and commit; idempotency key and fence tell",
    },
    { label: "lost", number: summary.lost, isPromise: true },
    { label: "dispatched twice after commit", number: summary.afterCommit, isPromise: true },
    { label: "fences that fell", number: summary.fencesFallen, isPromise: true },
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
    `${paint("bold", `After ${secondsText(durationMs)}`)}, counted by the sender, the broker, the endpoint and the store, not by Latchkey:`,
    ...rows.map(line),
    "",
  ].join("\n");
}

export const demoTexts = {
  gaveUp: (timeLimitMs: number): string =>
    `Gave up after ${secondsText(timeLimitMs)}: not everything was acknowledged.\n`,
  staysOpen: (url: string): string => `\nThe inspector stays open at ${url}\nPress Ctrl-C to end.\n`,
  interrupted: "Interrupted: there is no summary.\n",
} as const;
