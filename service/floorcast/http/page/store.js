// What the page holds of a warehouse: rows by table and key, bounded. Knows how changes alter rows, not what rows look like.

import { microseconds } from "./moments.js";

const CLOSED = new Set(["completed", "verified", "closed", "cancelled"]);

/** Whether a work order still has to be done. */
export function isOpen(order) {
  return !CLOSED.has(order.status) && !order.deleted_at;
}

// key: columns of the primary key. most: rows kept. oldest: the column by which the oldest goes first; without it those go
// first that `spare` names, because nothing on the screen stands for them but a name.
const TABLES = {
  equipment: { key: ["id"], most: 4000 },
  work_orders: { key: ["id"], most: 4000, spare: (row) => !isOpen(row) },
  work_order_assignments: { key: ["work_order_id", "user_id"], most: 8000 },
  work_order_timeline: { key: ["id"], most: 50, oldest: "timestamp" },
  inventory_items: { key: ["id"], most: 6000 },
  inventory_transactions: { key: ["id"], most: 50, oldest: "created_at" },
  users: { key: ["id"], most: 4000 },
};

/** The tables to join; `users` is in the picture only. */
export const FOLLOWED = Object.keys(TABLES).filter((table) => table !== "users");

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

  /** Applies one operation; returns {table, row, before} when it changed what is held, else null. */
  apply({ op, table, key, new: row }) {
    const rows = this.#tables.get(table);
    if (!rows) return null;
    const name = keyOf(table, op === "leave" ? key : row);
    const before = rows.get(name) ?? null;
    if (op === "leave") {
      return rows.delete(name) ? { table, row: null, before } : null;
    }
    // The picture may already have held it.
    if (before && JSON.stringify(before) === JSON.stringify(row)) return null;
    this.#put(table, row);
    return { table, row, before };
  }

  /** One row by key columns, or undefined. */
  get(table, ...values) {
    return this.#tables.get(table).get(values.join(" "));
  }

  /** All rows of a table, in no promised order. */
  rows(table) {
    return [...this.#tables.get(table).values()];
  }

  #put(table, row) {
    const rows = this.#tables.get(table);
    if (!rows) return;
    rows.set(keyOf(table, row), row);
    const { most, oldest, spare } = TABLES[table];
    if (rows.size <= most) return;
    rows.delete(oldest ? keyOfOldest(rows, oldest) : keyOfSpare(rows, spare));
  }
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
  return rows.keys().next().value;
}
