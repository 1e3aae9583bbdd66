import type { CliIo } from "../../terminal/io.ts";
import { type Paint, painter } from "../../terminal/paint.ts";
import type { Incident } from "../replicas/incident.ts";
import { type DemoSettings, incidentText, openingText } from "./demo-text.ts";

/** Maximum number of printed incidents of the frequent types. The table counts them all. */
const PRINT_LIMITS: Readonly<Partial<Record<Incident["type"], number>>> = {
  duplicate: 4,
  pending: 4,
  refused: 4,
  retried: 4,
};

/** Prints incidents while the demo runs: all rare ones, and the first few of the frequent ones. */
export class IncidentPrinter {
  readonly #io: CliIo;
  readonly #isEnabled: boolean;
  readonly #paint: Paint;
  readonly #startedMs: number;
  readonly #printed = new Map<Incident["type"], number>();

  constructor(io: CliIo, isEnabled: boolean) {
    this.#io = io;
    this.#isEnabled = isEnabled;
    this.#paint = painter(io.out);
    this.#startedMs = io.clock.monotonicMs();
  }

  get elapsedMs(): number {
    return this.#io.clock.monotonicMs() - this.#startedMs;
  }

  async opening(opening: DemoSettings): Promise<void> {
    await this.text(openingText(opening, this.#paint));
  }

  incident(incident: Incident): void {
    const limit = PRINT_LIMITS[incident.type] ?? Number.POSITIVE_INFINITY;
    const printed = (this.#printed.get(incident.type) ?? 0) + 1;
    this.#printed.set(incident.type, printed);
    if (printed <= limit) void this.text(incidentText(incident, this.elapsedMs, printed === limit, this.#paint));
  }

  async text(text: string): Promise<void> {
    if (this.#isEnabled) await this.#io.out.write(text);
  }
}
