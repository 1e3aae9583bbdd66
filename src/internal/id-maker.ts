import type { Clock } from "./clock.ts";
import { randomHex } from "./random-hex.ts";

const IDS_PER_DRAW = 1_000;
const DRAWN_FOR_MS = 1_000;

/**
 * Returns a maker of unique ids: a random part and a count, at a tenth of the cost of random ids.
 *
 * The random part is drawn with the first id, and drawn again after a second or a thousand ids. Copies of a process image share
 * the earlier part, so they soon differ. It contains the time, because copies may also share the state of the random generator.
 */
export function idMaker(clock: Clock, draw = () => randomHex(16)): () => string {
  let random = "";
  let made = IDS_PER_DRAW;
  let drawnAtMs = 0;
  return () => {
    const nowMs = clock.wallMs();
    if (made >= IDS_PER_DRAW || Math.abs(nowMs - drawnAtMs) >= DRAWN_FOR_MS) {
      random = `${draw()}${Math.round(nowMs).toString(36)}`;
      made = 0;
      drawnAtMs = nowMs;
    }
    made += 1;
    return `${random}.${made}`;
  };
}
