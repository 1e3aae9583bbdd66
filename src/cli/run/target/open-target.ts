import type { CliIo } from "../../terminal/io.ts";
import type { RunPlan } from "../plan.ts";
import { execTarget } from "./exec-target.ts";
import { httpTarget } from "./http-target.ts";
import type { Target } from "./target.ts";

/** @param onOutput receives the output of commands. */
export function openTarget(plan: RunPlan, io: CliIo, onOutput: (text: string) => void): Target {
  const { clock, env } = io;
  switch (plan.target.to) {
    case "endpoint":
      return httpTarget(plan.target.url, clock);
    case "command":
      return execTarget({ command: plan.target.command, clock, env, onOutput });
  }
}
