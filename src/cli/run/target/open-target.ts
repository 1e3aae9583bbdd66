import type { CliIo } from "../../terminal/io.ts";
import type { RunPlan } from "../plan.ts";
import { execTarget } from "./exec-target.ts";
import { httpTarget } from "./http-target.ts";
import type { Target } from "./target.ts";

/** @param onOutput receives the output of commands. */
export function openTarget({ target }: RunPlan, { clock, env }: CliIo, onOutput: (text: string) => void): Target {
  return target.to === "endpoint"
    ? httpTarget(target.url, { clock, ...target })
    : execTarget({ command: target.command, clock, env, onOutput });
}
