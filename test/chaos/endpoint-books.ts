/** What the receiving side has in its books of one request: an effect that begins or ends. */
export interface Booked {
  readonly atMs: number;
  readonly phase: "begin" | "end";
  readonly event: string;
  readonly process: string;
  readonly effect: number;
  readonly fence: number;
  readonly attempt: number;
  /** The delivery that led to it, as histories number them. */
  readonly delivery: number;
}

export function isBooked(value: unknown): value is Booked {
  return typeof value === "object" && value !== null && "phase" in value && "event" in value && "fence" in value;
}
