/** Queues a function for a later turn of the event loop, after all promises of this one. */
type QueueTurn = (run: () => void) => void;

/** Immediates in Node, messages in browsers. Read at once, because a test may replace the timers later. */
export const queueTurn: QueueTurn = typeof setImmediate === "function" ? setImmediate : messageTurns();

function messageTurns(): QueueTurn {
  const waiting: Array<() => void> = [];
  const { port1, port2 } = new MessageChannel();
  port1.addEventListener("message", () => waiting.shift()?.());
  port1.start();
  return (run) => {
    waiting.push(run);
    port2.postMessage(undefined);
  };
}
