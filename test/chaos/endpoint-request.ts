/** Name of the endpoint's log in the folder of a campaign. */
export const REQUESTS_FILE = "requests.txt";

/** A request that the endpoint received: an effect begins or ends. */
export interface EndpointRequest {
  readonly atMs: number;
  readonly phase: "begin" | "end";
  readonly event: string;
  readonly process: string;
  readonly effect: number;
  readonly fence: number;
  readonly attempt: number;
  /** The delivery that caused the effect, numbered as in histories. */
  readonly delivery: number;
}

export function isEndpointRequest(value: unknown): value is EndpointRequest {
  return typeof value === "object" && value !== null && "phase" in value && "event" in value && "fence" in value;
}
