// What the page holds of a warehouse: rows by table and key, bounded. Knows how changes alter rows, not what rows look like.

import { microseconds } from "./moments.js";

const CLOSED = new Set(["completed", "verified", "closed", "cancelled"]);

/** Whether a work order still has to be done. */
export function isOpen(order) {
  return !CLOSED.has(order.status) && !order.deleted_at;
}

// key: columns of the primary key. most: rows kept. Beyond it those go first that `spare` names, because nothing on the screen
// stands for them but a name, then the oldest by the column `oldest`. keep: the columns that are held; without it all.
const TABLES = {
  equipment: { key: ["id"], most: 4000 },
  work_orders: { key: ["id"], most: 4000, spare: (row) => !isOpen(row) },
  work_order_assignments: { key: ["work_order_id", "user_id"], most: 8000 },
  work_order_timeline: { key: ["id"], most: 50, oldest: "timestamp" },
  inventory_items: { key: ["id"], most: 6000 },
  inventory_transactions: { key: ["id"], most: 50, oldest: "created_at" },
  maintenance_schedules: { key: ["id"], most: 4000, spare: (row) => !row.active },
  maintenance_templates: { key: ["id"], most: 4000, keep: ["id", "name"] },
  maintenance_history: { key: ["id"], most: 2000, oldest: "due_at", keep: ["id", "schedule_id", "due_at", "in_time"] },
  notifications: { key: ["id"], most: 50, spare: (row) => row.read_at !== null, oldest: "created_at" },
  // Names only: what else a person's row may hold has no place on a screen.
  users: { key: ["id"], most: 4000, keep: ["id", "display_name"] },
};

// Tables whose rows the page can name when another row mentions them, and how.
const NAMED = [
  ["equipment", (row) => row.name],
  ["work_orders", (row) => `${row.number} ${row.title}`],
  ["inventory_items", (row) => row.name],
  ["users", (row) => row.display_name],
];

/** Whether changes of a table show on a board of their own; those of all others are told in the feed. */
export function hasBoard(table) {
  return table in TABLES && table !== "users";
}

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
  apply({ op, table, key, new: whole }) {
    const rows = this.#tables.get(table);
    if (!rows) return null;
    const row = whole && kept(table, whole);
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
    const { most, oldest, spare } = TABLES[table];
    if (rows.size <= most) return;
    const key = keyOfSpare(rows, spare) ?? (oldest ? keyOfOldest(rows, oldest) : rows.keys().next().value);
    rows.delete(key);
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
