import { createRequire } from "node:module";
import { isJsonObject, type JsonObject } from "../run/json-object.ts";
import { between, type Chance, uuid } from "./seeded.ts";

/** What the demo feeds on: lines as `latchkey run` reads them, each an event of its own. */
export interface Samples {
  /** For people. */
  readonly what: string;
  readonly lines: readonly string[];
}

/**
 * The published examples of GitHub's webhooks, where they are installed; else events that are made up.
 * @param source the module that holds them.
 */
export function loadSamples(chance: Chance, source = "@octokit/webhooks-examples"): Samples {
  const examples = examplesIn(required(source));
  if (examples.length === 0) {
    return { what: "made-up orders (@octokit/webhooks-examples is not installed)", lines: madeUpOrders(chance) };
  }
  const lines = examples.map(({ name, body }) => {
    const headers = { "X-GitHub-Event": name, "X-GitHub-Delivery": uuid(chance), "Content-Type": "application/json" };
    return JSON.stringify({ headers, body });
  });
  return { what: "GitHub webhook deliveries", lines };
}

interface Example {
  readonly name: string;
  readonly body: JsonObject;
}

function examplesIn(definitions: unknown): readonly Example[] {
  if (!Array.isArray(definitions)) return [];
  return definitions.filter(isJsonObject).flatMap(({ name, examples }) => {
    if (typeof name !== "string" || !Array.isArray(examples)) return [];
    return examples.filter(isJsonObject).map((body) => ({ name, body }));
  });
}

/** The package is JSON, and one that is installed for development only. */
function required(name: string): unknown {
  try {
    return createRequire(import.meta.url)(name);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}

const MADE_UP = 300;
const STEPS = ["placed", "paid", "packed", "shipped", "delivered"];

function madeUpOrders(chance: Chance): readonly string[] {
  return Array.from({ length: MADE_UP }, (_, index) =>
    JSON.stringify({
      specversion: "1.0",
      id: uuid(chance),
      source: "/shop/orders",
      type: `com.example.order.${STEPS[index % STEPS.length] ?? "placed"}`,
      data: { order: between(chance, 1_000, 9_999), total: between(chance, 100, 99_999) / 100 },
    }),
  );
}
