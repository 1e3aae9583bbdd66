import type { AnyStateMachine } from "xstate";
import { dedupKeyMachine, deliveryMachine } from "../../../machines/index.ts";
import { toMermaid } from "../../inspect/chart/mermaid.ts";
import { toSvg } from "../../inspect/chart/svg.ts";
import { type ExitCode, exitCodes } from "../terminal/exit-codes.ts";
import type { CliIo } from "../terminal/io.ts";
import type { DrawFlags, MachineName } from "./draw-flags.ts";

const machines = { "dedup-key": dedupKeyMachine, delivery: deliveryMachine } satisfies Record<MachineName, unknown>;

/** Prints a diagram of a state machine. */
export async function drawCommand(name: MachineName, flags: DrawFlags, io: CliIo): Promise<ExitCode> {
  await io.out.write(picture(machines[name], flags));
  return exitCodes.ok;
}

function picture(machine: AnyStateMachine, { svg, json }: DrawFlags): string {
  if (svg === true) return toSvg(machine);
  return json === true ? `${JSON.stringify(machine.config, null, 2)}\n` : toMermaid(machine);
}
