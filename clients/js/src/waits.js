// How long to wait before trying again: longer each time, never in step with others that lost the same server.

const FIRST_MS = 500;
const LONGEST_MS = 30_000;
const REFETCH_MS = 3_000;

/** After a lost connection, in milliseconds: between half and all of 0.5 s, 1 s, 2 s … 30 s. `tries` begins at 1. */
export function lossWait(tries, random) {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** (tries - 1)) * (0.5 + random / 2);
}

/** After a refused or ended joining: between none and all of 3 s, 6 s … 30 s, as many may be sent away at once. */
export function joinWait(tries, random) {
  return Math.min(LONGEST_MS, REFETCH_MS * 2 ** (tries - 1)) * random;
}
