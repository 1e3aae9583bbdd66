import type { Command } from "commander";
import { parseDuration } from "../terminal/option-values.ts";

/** Adds the options that select keys. */
export function addFilter(command: Command): Command {
  return command
    .optionsGroup("Filters (a key must match all):")
    .option("--workspace <id>", "keys of this tenant")
    .option("--subscription <id>", "keys of this subscription")
    .option("--event <id>", "keys of this event, in any subscription")
    .option("--owner <text>", "keys whose owner contains this text")
    .option("--older-than <duration>", "keys reserved or committed longer ago than 90s, 15m, 12h, 7d", parseDuration)
    .option("--newer-than <duration>", "keys reserved or committed more recently", parseDuration);
}
