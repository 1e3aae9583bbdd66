import { createRequire } from "node:module";
import { isObject, type ObjectLike } from "../../../internal/is-object.ts";
import { between, type Chance, uuid } from "./random.ts";

/** The events of the demo, as lines of `latchkey run`. */
export interface Samples {
  /** Description for the output. */
  readonly what: string;
  readonly lines: readonly string[];
}

/**
 * Loads GitHub's published webhook examples if they are installed, or generates orders.
 * @param source name of the module with the examples.
 */
export function loadSamples(random: Chance, source = "@octokit/webhooks-examples"): Samples {
  const examples = examplesIn(required(source));
  if (examples.length === 0) {
    return { what: "generated orders (@octokit/webhooks-examples is not installed)", lines: generatedOrders(random) };
  }
  const lines = examples.map(({ name, body }) => {
    const headers = { "X-GitHub-Event": name, "X-GitHub-Delivery": uuid(random), "Content-Type": "application/json" };
    return JSON.stringify({ headers, body });
  });
  return { what: "GitHub webhook deliveries", lines };
}

interface SampleDelivery {
  readonly name: string;
  readonly body: ObjectLike;
}

function examplesIn(definitions: unknown): readonly SampleDelivery[] {
  if (!Array.isArray(definitions)) return [];
  return definitions.filter(isObject).flatMap(({ name, examples }) => {
    if (typeof name !== "string" || !Array.isArray(examples)) return [];
    return examples.filter(isObject).map((body) => ({ name, body }));
  });
}

/** Loads the examples: a JSON package that is a development dependency. */
function required(name: string): unknown {
  try {
    return createRequire(import.meta.url)(name);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}

const ORDER_COUNT = 300;
const STEPS = ["placed", "paid", "packed", "shipped", "delivered"];

function generatedOrders(random: Chance): readonly string[] {
  return Array.from({ length: ORDER_COUNT }, (_, index) =>
    JSON.stringify({
      specversion: "1.0",
      id: uuid(random),
      source: "/shop/orders",
      type: `com.example.order.${STEPS[index % STEPS.length] ?? "placed"}`,
      data: { order: between(random, 1_000, 9_999), total: between(random, 100, 99_999) / 100 },
    }),
  );
}
