import type { AnyStateMachine } from "xstate";
import { dedupKeyMachine } from "../../../machines/dedup-key.ts";
import { deliveryMachine } from "../../../machines/delivery.ts";
import { toMermaid } from "../../inspect/mermaid.ts";
import type { CliIo } from "../io.ts";

const machines = { "dedup-key": dedupKeyMachine, delivery: deliveryMachine } as const;

export type MachineName = keyof typeof machines;
export const MACHINES: readonly MachineName[] = ["dedup-key", "delivery"];

export interface DrawFlags {
  readonly mermaid?: boolean;
  readonly json?: boolean;
}

/** Prints a picture of one of the state machines, drawn from the machine itself. */
export async function drawCommand(name: MachineName, flags: DrawFlags, io: CliIo): Promise<void> {
  await io.out.write(picture(machines[name], flags));
}

function picture(machine: AnyStateMachine, { json }: DrawFlags): string {
  return json === true ? `${JSON.stringify(machine.config, null, 2)}\n` : toMermaid(machine);
}
