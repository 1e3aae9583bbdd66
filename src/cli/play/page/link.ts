import { formatSchedule, parseSchedule, type Schedule } from "../../../testing/sim/schedule.ts";

/** The part of the page's address that repeats a run. */
export interface RunLink {
  readonly handler: string;
  readonly schedule: Schedule;
}

/** Returns the fragment of a link, such as `#get-then-put=0,0,2`. */
export function fragmentOf({ handler, schedule }: RunLink): string {
  return `#${handler}=${formatSchedule(schedule)}`;
}

/** Returns the run that a fragment names; the first handler from the start if it names none. */
export function linkIn(fragment: string, handlers: readonly { readonly id: string }[]): RunLink {
  const [name = "", schedule = ""] = fragment.replace(/^#/, "").split("=", 2);
  const known = handlers.find(({ id }) => id === name) ?? handlers[0];
  const handler = known?.id ?? "";
  if (known?.id !== name) return { handler, schedule: [] };
  try {
    return { handler, schedule: parseSchedule(schedule) };
  } catch {
    return { handler, schedule: [] };
  }
}
