// Puts together what comes in parts: a picture, and each tick, is one step from one whole state to the next, and its cursor
// belongs to the whole of it. Decides only; knows no socket.

const MOST_CHANGES = 20_000;

export class Parts {
  #rows = {}; // table → rows of the picture so far
  #changes = [];

  /**
   * Takes the payload of a `snapshot` or `changes`; returns the step that it completes, {rows, cursor} or {changes, cursor}, or
   * null while more of it is to come.
   */
  take(event, payload) {
    return event === "snapshot" ? this.#takeRows(payload) : this.#takeChanges(payload);
  }

  /** Whether a tick is larger than a page should hold: a picture is less. */
  get overflowing() {
    return this.#changes.length > MOST_CHANGES;
  }

  #takeRows({ rows, end, cursor }) {
    for (const [table, more] of Object.entries(rows)) (this.#rows[table] ??= []).push(...more);
    if (!end) return null;
    const whole = this.#rows;
    this.#rows = {};
    return { rows: whole, cursor };
  }

  #takeChanges({ changes, part, end, cursor }) {
    if (part === undefined) return { changes, cursor };
    this.#changes.push(...changes);
    if (!end || this.overflowing) return null;
    const whole = this.#changes;
    this.#changes = [];
    return { changes: whole, cursor };
  }
}
