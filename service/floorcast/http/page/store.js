// What the page holds of a warehouse: rows by table and key, bounded. Knows how changes alter rows, not what rows look like.

import { microseconds } from "./moments.js";
import { CLOSED, TABLES } from "./tables.js";

/** Whether a work order still has to be done. */
export function isOpen(order) {
  return !CLOSED.includes(order.status) && !order.deleted_at;
}

// Tables whose rows the page can name when another row mentions them, and how.
const NAMED = [
  ["equipment", (row) => row.name],
  ["work_orders", (row) => `${row.number} ${row.title}`],
  ["inventory_items", (row) => row.name],
  ["users", (row) => row.display_name],
];

export class Store {
  #tables = new Map(Object.keys(TABLES).map((table) => [table, new Map()]));

  /** Forgets everything. */
  clear() {
    for (const rows of this.#tables.values()) rows.clear();
  }

  /** Replaces everything by a picture's tables. */
  fill(tables) {
    this.clear();
    for (const [table, rows] of Object.entries(tables)) {
      for (const row of rows) this.#put(table, row);
    }
  }

  /** Whether a table holds as many rows as it may: there may be more of them. */
  isFull(table) {
    return this.#tables.get(table).size >= TABLES[table].most;
  }

  /** Applies one operation; returns {table, row, before} when it changed what is held, else null. */
  apply({ op, table, key, new: whole }) {
    const rows = this.#tables.get(table);
    if (!rows) return null;
    const row = whole && kept(table, whole);
    const name = keyOf(table, op === "leave" ? key : row);
    const before = rows.get(name) ?? null;
    if (op === "leave") {
      return rows.delete(name) ? { table, row: null, before } : null;
    }
    // What changed may be a column that is not held.
    if (before && JSON.stringify(before) === JSON.stringify(row)) return null;
    this.#put(table, row);
    return { table, row, before };
  }

  /** One row by key columns, or undefined. */
  get(table, ...values) {
    return this.#tables.get(table).get(values.join(" "));
  }

  /** What a row is called that another one mentions by its id; undefined for one that is not held. */
  name(id) {
    for (const [table, nameOf] of NAMED) {
      const row = this.#tables.get(table).get(id);
      if (row) return nameOf(row);
    }
    return undefined;
  }

  /** All rows of a table, in no promised order. */
  rows(table) {
    return [...this.#tables.get(table).values()];
  }

  #put(table, row) {
    const rows = this.#tables.get(table);
    if (!rows) return;
    rows.set(keyOf(table, row), kept(table, row));
    const { most, newest, keep, spare } = TABLES[table];
    if (rows.size <= most) return;
    const isHeld = !keep || keep.includes(newest);
    rows.delete(keyOfSpare(rows, spare) ?? (isHeld ? keyOfOldest(rows, newest) : rows.keys().next().value));
  }
}

function kept(table, row) {
  const { keep } = TABLES[table];
  return keep ? Object.fromEntries(keep.map((column) => [column, row[column]])) : row;
}

function keyOf(table, columns) {
  return TABLES[table].key.map((column) => columns[column]).join(" ");
}

function keyOfOldest(rows, column) {
  let oldest = null;
  for (const [key, row] of rows) {
    if (oldest === null || microseconds(row[column]) < microseconds(rows.get(oldest)[column])) oldest = key;
  }
  return oldest;
}

function keyOfSpare(rows, spare) {
  if (spare) {
    for (const [key, row] of rows) if (spare(row)) return key;
  }
  return null;
}
