const MOST = 10_000;

/** One number for a message, by its sequence in the stream, and how often it came. */
export function deliveryNumber(sequence: number, deliveries: number): number {
  return sequence * MOST + deliveries;
}

/** How often the message of the delivery had come, that time included. */
export function deliveriesIn(deliveryNumber: number): number {
  return deliveryNumber % MOST;
}
