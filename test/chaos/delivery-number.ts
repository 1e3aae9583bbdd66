const MAX_DELIVERIES = 10_000;

/** Returns one number for a delivery, from the message's sequence in the stream and its delivery count. */
export function deliveryNumber(sequence: number, deliveries: number): number {
  return sequence * MAX_DELIVERIES + deliveries;
}

/** Returns the message's delivery count at that delivery. */
export function deliveriesIn(deliveryNumber: number): number {
  return deliveryNumber % MAX_DELIVERIES;
}
