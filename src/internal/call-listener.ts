/** Calls a listener that somebody else gave: what it throws is an uncaught exception of the process, and disturbs nothing here. */
export function callListener<Told>(listener: (told: Told) => void, told: Told): void {
  try {
    listener(told);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
