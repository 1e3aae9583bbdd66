import type { CliIo } from "../terminal/io.ts";
import { type Paint, painter } from "../terminal/style.ts";
import type { Incident } from "./incident.ts";
import { incidentText, type Opening, openingText } from "./sentences.ts";

/** Of what happens all the time, so many are told; the rest is in the table. */
const TOLD: Readonly<Partial<Record<Incident["type"], number>>> = { duplicate: 4, pending: 4, refused: 4, retried: 4 };

/** Tells what happens while the demo runs: everything rare, and the first few of the rest. */
export class Narrator {
  readonly #io: CliIo;
  readonly #isHeard: boolean;
  readonly #paint: Paint;
  readonly #startedMs: number;
  readonly #told = new Map<Incident["type"], number>();

  constructor(io: CliIo, isHeard: boolean) {
    this.#io = io;
    this.#isHeard = isHeard;
    this.#paint = painter(io.out);
    this.#startedMs = io.clock.monotonicMs();
  }

  get elapsedMs(): number {
    return this.#io.clock.monotonicMs() - this.#startedMs;
  }

  async opening(opening: Opening): Promise<void> {
    await this.text(openingText(opening, this.#paint));
  }

  incident(incident: Incident): void {
    const limit = TOLD[incident.type] ?? Number.POSITIVE_INFINITY;
    const told = (this.#told.get(incident.type) ?? 0) + 1;
    this.#told.set(incident.type, told);
    if (told <= limit) void this.text(incidentText(incident, this.elapsedMs, told === limit, this.#paint));
  }

  async text(text: string): Promise<void> {
    if (this.#isHeard) await this.#io.out.write(text);
  }
}
