// How long to wait before trying again: longer each time, never in step with other screens that lost the same server.

const FIRST_MS = 500;
const LONGEST_MS = 30_000;

export class Backoff {
  #attempts = 0;

  /** The next wait in milliseconds: between half and all of 0.5 s, 1 s, 2 s … 30 s. */
  next(random = Math.random()) {
    const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#attempts);
    this.#attempts += 1;
    return ceiling * (0.5 + random / 2);
  }

  /** The same where the server is well and many are sent away at once: between none and all of `longest`, 2 × `longest` … 30 s. */
  spread(longest, random = Math.random()) {
    const ceiling = Math.min(LONGEST_MS, longest * 2 ** this.#attempts);
    this.#attempts += 1;
    return ceiling * random;
  }

  /** Things went well for a while. */
  reset() {
    this.#attempts = 0;
  }
}
