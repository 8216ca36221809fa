// Whether what a view holds is current. It must never claim more than is proven: a proof is progress that the server told just
// now, or a picture. `now` is milliseconds of this device's clock; `at` is the database's.

const PATIENCE = 2.5; // Progress intervals without a proof until a view is stale.

export class Freshness {
  #patience;
  #joinedAt = null;
  #provenAt = null; // When the last proof came.
  #asOf = null; // What it was a proof of.
  #isDoubted = false; // What arrives may have waited while the device slept.

  constructor(progressSeconds) {
    this.#patience = PATIENCE * Math.max(1, progressSeconds) * 1000;
  }

  /** The stream runs; what was missed may still be on its way, and progress comes behind it. */
  joined(now) {
    this.#joinedAt = now;
    this.#isDoubted = false;
  }

  /** The stream ended: what was proven until then stays proven until then. */
  lost() {
    this.#joinedAt = null;
  }

  /** Everything up to `at` is here. */
  proven(now, at) {
    this.#asOf = at;
    if (!this.#isDoubted) this.#provenAt = now;
  }

  doubt() {
    this.#isDoubted = true;
  }

  /** The server answered a question that was asked after the doubt. */
  trust() {
    this.#isDoubted = false;
  }

  forget() {
    this.#joinedAt = this.#provenAt = this.#asOf = null;
  }

  /** For how many milliseconds the stream has been running; 0 where it does not. */
  runsFor(now) {
    return this.#joinedAt === null ? 0 : now - this.#joinedAt;
  }

  /**
   * {state, asOf, since}: `asOf` is a text, the time up to which everything is here; `since` when that was proven, in
   * milliseconds of this device's clock. Both null where nothing is known.
   */
  mark(now) {
    return { state: this.#state(now), asOf: this.#asOf, since: this.#provenAt };
  }

  #state(now) {
    if (this.#joinedAt === null) return "reconnecting";
    const isRecent = (then) => Math.abs(now - then) <= this.#patience;
    const isProven = this.#provenAt !== null && this.#provenAt >= this.#joinedAt;
    if (isProven) return isRecent(this.#provenAt) && !this.#isDoubted ? "live" : "stale";
    return isRecent(this.#joinedAt) ? "reconnecting" : "stale";
  }
}
