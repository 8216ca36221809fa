// Rows of a warehouse by table and key. Knows how changes alter them, not what they look like.

export class Rows {
  #tables = new Map(); // table → Map(key → row)
  #keys = {}; // table → its key's columns

  /** Says which columns are each table's key, as a join's answer has them. */
  know(keys) {
    this.#keys = keys;
    for (const table of Object.keys(keys)) this.of(table);
  }

  get keys() {
    return this.#keys;
  }

  /** The rows of a table by key: the value of the key's column, or the JSON of an array where it has several. */
  of(table) {
    if (!this.#tables.has(table)) this.#tables.set(table, new Map());
    return this.#tables.get(table);
  }

  clear() {
    for (const rows of this.#tables.values()) rows.clear();
  }

  /** Replaces everything by a picture: table → array of rows. */
  fill(tables) {
    this.clear();
    for (const [table, rows] of Object.entries(tables)) {
      for (const row of rows) this.of(table).set(this.#keyOf(table, row), row);
    }
  }

  /** Applies the changes of a tick. */
  apply(changes) {
    for (const { op, table, key, new: row } of changes) {
      if (op === "leave") this.of(table).delete(this.#keyOf(table, key));
      else this.of(table).set(this.#keyOf(table, key), row);
    }
  }

  /** Everything, as fill() takes it. */
  all() {
    return Object.fromEntries([...this.#tables].map(([table, rows]) => [table, [...rows.values()]]));
  }

  #keyOf(table, columns) {
    const values = (this.#keys[table] ?? Object.keys(columns)).map((column) => columns[column]);
    return values.length === 1 ? values[0] : JSON.stringify(values);
  }
}
