/** Returns a generator of pseudo-random whole numbers below 2^24: the same seed gives the same numbers. */
export function pseudoRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 8;
  };
}
