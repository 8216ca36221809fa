// Joins a picture and a stream without a seam: what arrives before the picture waits; what the picture already holds is
// dropped; from then on each tick is applied once, in order. Decides only; knows no socket and no clock.

const MOST_WAITING = 20_000;

export class Splice {
  #waiting = [];
  #waitingChanges = 0;
  #position = null; // The newest tick that is applied whole; null until the picture is there.

  /** Takes a `changes` payload; returns the payloads to apply now, oldest first (none while the picture is awaited). */
  offer(frame) {
    if (this.#position !== null) return this.#advance(frame) ? [frame] : [];
    this.#waiting.push(frame);
    this.#waitingChanges += frame.changes.length;
    return [];
  }

  /** Whether more waits for the picture than a page should hold: begin again. */
  get overflowing() {
    return this.#waitingChanges > MOST_WAITING;
  }

  /**
   * Takes the picture's tick and returns what of the waiting is to be applied after it; null when the picture is older than
   * the point from which the stream is complete (it was read somewhere else), so that changes would be missing in between.
   */
  begin(joinedTick, pictureTick) {
    if (pictureTick < joinedTick) return null;
    this.#position = pictureTick;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingChanges = 0;
    return waiting.filter((frame) => this.#advance(frame));
  }

  /** Whether the payload ends its tick. A large tick comes in parts, and only the last one says `end: true`. */
  static endsTick(frame) {
    return frame.part === undefined || frame.end === true;
  }

  #advance(frame) {
    if (frame.tick <= this.#position) return false;
    if (Splice.endsTick(frame)) this.#position = frame.tick;
    return true;
  }
}

/** The tick of a position `<tick>-<n>`. */
export function tickOf(position) {
  return Number.parseInt(position, 10);
}
