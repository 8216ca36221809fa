// Puts together what comes in parts: a picture, and each tick, is one step from one whole state to the next, and its cursor
// belongs to the whole of it.

export class Parts {
  #rows = {}; // table → rows of the picture so far
  #changes = [];
  #mostChanges;

  constructor(mostChanges = Infinity) {
    this.#mostChanges = mostChanges;
  }

  /** Takes the payload of a `snapshot`; returns the whole picture {tick, at, rows, cursor}, or null while more is to come. */
  picture({ tick, at, part, rows, end, cursor }) {
    if (part === 1) this.#rows = {};
    for (const [table, more] of Object.entries(rows)) this.#rows[table] = (this.#rows[table] ?? []).concat(more);
    if (!end) return null;
    const whole = this.#rows;
    this.#rows = {};
    return { tick, at, rows: whole, cursor };
  }

  /** Whether a tick is larger than should be collected: a picture is less. */
  get isOverflowing() {
    return this.#changes.length > this.#mostChanges;
  }

  /** Takes the payload of a `changes`; returns the whole tick {tick, at, folded, changes, cursor}, or null. */
  changes({ tick, at, folded = false, changes, part, end, cursor }) {
    if (part === undefined) return { tick, at, folded, changes, cursor };
    if (part === 1) this.#changes = [];
    this.#changes = this.#changes.concat(changes);
    if (!end || this.isOverflowing) return null;
    const whole = this.#changes;
    this.#changes = [];
    return { tick, at, folded, changes: whole, cursor };
  }
}
