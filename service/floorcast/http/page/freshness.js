// Whether what the screen shows is current. The mark must never claim more than is proven: a proof is progress that the server
// told just now, or a picture. Times are milliseconds of the device's clock, always passed in.

const PATIENCE = 2.5; // Progress intervals without a proof until the screen is stale.
const SLEEP_MS = 3_000; // A timer of one second that is so late was not late: the device slept.

export class Freshness {
  #interval;
  #connectedAt = null;
  #provenAt = null; // When the last proof came.
  #doubted = false; // Frames that arrive may have waited while the device slept; they prove nothing.
  #lookedAt = null;

  constructor(progressSeconds = 5) {
    // The relay gives a sign every second and no sooner, however often a gateway would pass it on.
    this.#interval = Math.max(1, progressSeconds) * 1000;
  }

  /** The stream runs; what was missed may still be on its way, and progress comes behind it. */
  connected(now) {
    this.#connectedAt = now;
    this.#doubted = false;
  }

  /** The stream ended; what was proven until then stays proven until then. */
  disconnected() {
    this.#connectedAt = null;
  }

  /** Nothing is shown any more, so nothing is proven of it. */
  forget() {
    this.#connectedAt = null;
    this.#provenAt = null;
  }

  /** The screen was said, or was asked, to be current as of now. */
  proven(now) {
    if (this.#connectedAt !== null && !this.#doubted) this.#provenAt = now;
  }

  /** From now on frames prove nothing, until trust(). */
  doubt() {
    this.#doubted = true;
  }

  /** The server answered a question asked after the doubt: frames are from now again. */
  trust() {
    this.#doubted = false;
  }

  /** To be called every second and before each frame; true when the device seems to have slept since the last call. */
  slept(now) {
    const gap = this.#lookedAt === null ? 0 : now - this.#lookedAt;
    this.#lookedAt = now;
    // A clock that was set back is as suspicious as one that ran ahead.
    return gap > SLEEP_MS || gap < -SLEEP_MS;
  }

  /** {state: "live" | "stale" | "reconnecting", since}: `since` is when the screen was last known to be current, or null. */
  mark(now) {
    const since = this.#provenAt;
    if (this.#connectedAt === null) return { state: "reconnecting", since };
    const recently = (then) => Math.abs(now - then) <= PATIENCE * this.#interval;
    const isCatchingUp = since === null || since < this.#connectedAt;
    if (isCatchingUp && recently(this.#connectedAt)) return { state: "reconnecting", since };
    return { state: !isCatchingUp && recently(since) ? "live" : "stale", since };
  }
}
