/** Address on which pages are served unless another one is asked for. */
export const LOOPBACK = "127.0.0.1";
