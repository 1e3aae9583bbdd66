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
    name: "a dispatch without a confirmed commit is not remembered",
    patches: [{ file: delivery, find: `if (commit === "unconfirmed") {`, replace: `if (commit === "superseded") {` }],
  },
  {
    name: "a remembered dispatch is repeated with its commit",
    patches: [{ file: delivery, find: `if (finish?.as === "dispatched") return finish.value;`, replace: `` }],
  },
  {
    name: "a message that waits for its dead letter is not remembered",
    patches: [
      {
        file: delivery,
        find: `this.#shared.finishedMessages.add(this.message, { as: "storing" });`,
        replace: ``,
      },
    ],
  },
  {
    name: "a terminated message is not recognised",
    patches: [
      {
        file: delivery,
        find: `if (finish?.as === "terminated" || finish?.as === "storing") {`,
        replace: `if (finish?.as === "storing") {`,
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
    name: "an event without a confirmed acknowledgement is forgotten by the store",
    patches: [
      {
        file: delivery,
        find: `        this.#audit({ type: "trigger.ack.unconfirmed", error });
`,
        replace: `        this.#audit({ type: "trigger.ack.unconfirmed", error });
        if (this.#identity !== undefined) void this.#shared.options.dedup.clear(this.#identity);
`,
      },
    ],
  },
];
