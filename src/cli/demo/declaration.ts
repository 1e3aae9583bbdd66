import type { Command } from "commander";
import type { CommandContext } from "../command-context.ts";
import { addNats } from "../connection/server-options.ts";
import { wholeNumberFrom } from "../terminal/option-values.ts";
import type { DemoFlags } from "./demo-command.ts";
import { demoHelp } from "./help.ts";

/** Declares `latchkey demo`. */
export function declareDemo(program: Command, { run }: CommandContext): void {
  const demo = program
    .command("demo")
    .summary("watch a trigger service survive redeliveries, crashes and failures")
    .description(
      "Runs a trigger service in one process: three replicas that share a store and receive webhook deliveries at least once. " +
        "Deliveries repeat, the endpoint refuses some, and replicas crash during a dispatch. At the end, the demo counts " +
        "what happened to every event, from the records of the endpoint and the broker.",
    )
    .option("--seed <n>", "choose what happens to each event (default: random)", wholeNumberFrom(0, 2 ** 32 - 1));
  addNats(demo, "use a NATS server with JetStream; the demo removes its stream and bucket")
    .option("--json", "print only the summary, as one JSON object")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", demoHelp)
    .action((flags: DemoFlags) =>
      run(async (io) => {
        const { demoCommand } = await import("./demo-command.ts");
        return demoCommand(flags, io);
      }),
    );
}
