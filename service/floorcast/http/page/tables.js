// The tables that have a board: what is held of each, how much of it, and what a join asks for so that no more is sent.

const DAY_MS = 86_400_000;
const LOOKED_BACK_DAYS = 90; // As far as the figure of what was done in time looks.
const NAMED_DAYS = 7; // Orders that are done give their events a name for so long.

/** Statuses of work orders that nobody has to do anything about. */
export const CLOSED = ["completed", "verified", "closed", "cancelled"];

// key: columns of the primary key. most: rows held; a picture brings the newest so many by the column `newest`. keep: the
// columns that are held; without it all. spare: rows that go first, because nothing on the screen stands for them but a name.
export const TABLES = {
  equipment: {
    key: ["id"],
    most: 4000,
    newest: "updated_at",
    keep: ["id", "name", "asset_tag", "location", "criticality", "status", "status_changed_at", "meter_hours", "version"],
    spare: (row) => row.status === "retired",
  },
  work_orders: {
    key: ["id"],
    most: 4000,
    newest: "updated_at",
    keep: ["id", "number", "title", "status", "priority", "equipment_id", "due_at", "schedule_id", "schedule_due", "version", "created_at"],
    spare: (row) => CLOSED.includes(row.status),
  },
  work_order_assignments: { key: ["work_order_id", "user_id"], most: 8000, newest: "assigned_at", keep: ["work_order_id", "user_id"] },
  work_order_timeline: { key: ["id"], most: 50, newest: "timestamp" },
  inventory_items: {
    key: ["id"],
    most: 6000,
    newest: "updated_at",
    // Where a part lies is not on the board; feed.js goes by it.
    keep: ["id", "name", "unit", "quantity", "reserved", "reorder_point", "is_critical", "location_id", "version"],
  },
  inventory_transactions: { key: ["id"], most: 50, newest: "created_at" },
  maintenance_schedules: { key: ["id"], most: 4000, newest: "updated_at", spare: (row) => !row.active },
  maintenance_templates: { key: ["id"], most: 4000, newest: "created_at", keep: ["id", "name"] },
  maintenance_history: { key: ["id"], most: 2000, newest: "due_at", keep: ["id", "schedule_id", "due_at", "in_time"] },
  notifications: { key: ["id"], most: 50, newest: "created_at", spare: (row) => row.read_at !== null },
  // Names only: what else a person's row may hold has no place on a screen.
  users: { key: ["id"], most: 4000, newest: "created_at", keep: ["id", "display_name"] },
};

/** Whether changes of a table show on a board of their own; those of all others are told in the feed. */
export function hasBoard(table) {
  return table in TABLES && table !== "users";
}

/**
 * What to join with, given what the server has: `keys` is table → columns of its key, for every table that comes. The page
 * follows all of them, those too that it has never heard of; of such a table the picture has one row, since none is shown.
 */
export function askFor(keys, now) {
  const asked = { history: "newest", slow: "newest", columns: {}, where: {}, recent: {} };
  for (const [table, key] of Object.entries(keys)) {
    const { most, newest, keep } = TABLES[table] ?? { most: 1, newest: key[0] };
    // A table that was tracked a moment ago is not known yet, and in no picture.
    if (newest) asked.recent[table] = { by: newest, rows: most };
    if (keep) asked.columns[table] = keep;
  }
  if ("work_orders" in keys) asked.where.work_orders = orderFilter(now);
  return asked;
}

/** Open orders, those that changed lately, and those that were due and cancelled. */
function orderFilter(now) {
  // Whole days, so that everybody who looks on one day asks for the same and shares its frames.
  const day = (days) => new Date(now - days * DAY_MS).toISOString().slice(0, 10);
  return `or(status.not.in.(${CLOSED}),updated_at.gte.${day(NAMED_DAYS)},and(status.eq.cancelled,schedule_due.gte.${day(LOOKED_BACK_DAYS + 1)}))`;
}
