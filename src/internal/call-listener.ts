/** Calls a user's listener. What it throws becomes an uncaught exception of the process and does not affect the caller. */
export function callListener<Message>(listener: (message: Message) => void, message: Message): void {
  try {
    listener(message);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
