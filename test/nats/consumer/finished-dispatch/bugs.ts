import type { PlantedBug } from "../../../support/planted-bugs.ts";

const machine = "machines/delivery.ts";
const delivery = "src/nats/consumer/delivery.ts";
const finished = "src/nats/consumer/finished-messages.ts";

/** Bugs that repeat a finished dispatch because of something that happens after it. */
export const repetitionBugs: readonly PlantedBug[] = [
  {
    name: "a dead letter that cannot be stored is nak'd",
    patches: [
      {
        file: machine,
        find: `{ guard: "canRetryLetter", target: "backingOff", actions: "countLetterFailure" },`,
        replace: `{ target: "#delivery.nakked", actions: nak("backoff") },`,
      },
    ],
  },
  {
    name: "a retried dead letter begins with another dispatch",
    patches: [{ file: machine, find: `"retry.due": "publishing",`, replace: `"retry.due": "#delivery.identified",` }],
  },
  {
    name: "a message that waits for its dead letter is not remembered",
    patches: [
      {
        file: delivery,
        find: `this.#shared.finishedMessages.add(this.message, "storing");`,
        replace: ``,
      },
    ],
  },
  {
    name: "a terminated message is not recognised",
    patches: [
      {
        file: delivery,
        find: `if (finish !== undefined) {`,
        replace: `if (finish === "storing") {`,
      },
    ],
  },
  {
    name: "only the first redelivery of a finished message is recognised",
    patches: [
      {
        file: finished,
        find: `message.info.deliveryCount > found.deliveries`,
        replace: `message.info.deliveryCount === found.deliveries + 1`,
      },
    ],
  },
  {
    name: "a dispatch whose commit is unconfirmed is not remembered",
    patches: [
      {
        file: "src/engine/attempt.ts",
        find: `engine.finished.remember(identity.storeKey, {`,
        replace: `Object({`,
      },
    ],
  },
  {
    name: "an event without a confirmed acknowledgement is forgotten by the store",
    patches: [
      {
        file: delivery,
        find: `refused: isForbidden(error.error), ...error });
`,
        replace: `refused: isForbidden(error.error), ...error });
      if (this.#identity !== undefined) void this.#shared.options.dedup.clear(this.#identity);
`,
      },
    ],
  },
];

const counts = "src/nats/consumer/failure-counts.ts";

/** Bugs that make a message a dead letter before its dispatch has failed `maxDeliver` times. */
export const countingBugs: readonly PlantedBug[] = [
  {
    name: "deliveries to other replicas count as failures",
    patches: [
      {
        file: counts,
        find: `return { failures: failed, unseen:`,
        replace: `return { failures: deliveries - notDispatched, unseen:`,
      },
    ],
  },
  {
    name: "a delivery without a dispatch counts as a failure",
    patches: [
      {
        file: counts,
        find: `return { failures: failed, unseen:`,
        replace: `return { failures: failed + notDispatched, unseen:`,
      },
    ],
  },
];
