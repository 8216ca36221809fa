// What changes in tables that have no board of their own: lines in words that any table can have, so that a table which is
// tracked tomorrow is on the page without a line of code here. Decides only; draws nothing.

const MOST = 50;
const MOST_ALONE = 4; // As many changes of one kind in one transaction get a line each; more are counted in one.
const MOST_LETTERS = 200;

// What a row may call itself, the best first.
const TITLES = ["title", "name", "display_name", "number", "label", "subject", "file_name", "code"];

// Changes that another line on the screen tells better, by table.
const TOLD_ELSEWHERE = {
  // The timeline says that an order was completed, and that a file was attached.
  equipment_maintenance_history: ({ new: row }) => Boolean(row?.work_order_id),
  work_order_attachments: ({ by }) => by === "insert",
  // What a location holds follows the stock that moves there.
  inventory_locations: ({ op, key }, all) => op === "update" && all.some(({ table, new: row }) => table === "inventory_items" && row?.location_id === key.id),
};

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The newest changes of tables without a board, bounded. */
export class Feed {
  #entries = [];

  clear() {
    this.#entries = [];
  }

  /** All entries, the newest last: {id, table, op, by, count, title, key, mentions, actor, at}. */
  get entries() {
    return this.#entries;
  }

  /** Takes the operations of one frame; returns the entries that those became that `isOurs` and nothing else tells. */
  add(operations, isOurs = () => true) {
    const groups = new Map();
    for (const operation of operations) {
      if (!isOurs(operation.table) || TOLD_ELSEWHERE[operation.table]?.(operation, operations)) continue;
      const kind = [operation.table, operation.op, operation.by, operation.actor].join(" ");
      if (!groups.has(kind)) groups.set(kind, []);
      groups.get(kind).push(operation);
    }
    const added = [];
    for (const group of groups.values()) {
      if (group.length > MOST_ALONE) {
        added.push(this.#entry(group.at(-1), group.length));
        continue;
      }
      // Of rows that left with their machine, and that nobody here has a word for, keys say less than how many they are.
      const unnamed = group.filter((operation) => this.#isUnnamed(operation));
      for (const operation of group) {
        if (unnamed.length < 2 || !unnamed.includes(operation)) added.push(this.#entry(operation, 1));
      }
      if (unnamed.length > 1) added.push(this.#entry(unnamed.at(-1), unnamed.length));
    }
    this.#entries = [...this.#entries, ...added].slice(-MOST);
    return added;
  }

  #isUnnamed({ table, op, key, new: row, old }) {
    return op === "leave" && !row && !old && !this.#lastOf(table, keyWords(key));
  }

  #lastOf(table, name) {
    return this.#entries.findLast((entry) => entry.table === table && entry.key === name && entry.count === 1);
  }

  #entry({ position, table, op, by, key, new: row, old, actor, at }, count) {
    const shown = row ?? old ?? {};
    const name = keyWords(key);
    // A row that is gone without a word may have had a name when it was last seen.
    const last = row || old ? null : this.#lastOf(table, name);
    return {
      id: `${position} ${table} ${op}`,
      table,
      op,
      by,
      count,
      title: titleOf(shown) ?? last?.title ?? null,
      key: name,
      mentions: last?.mentions ?? mentionsOf(shown, key),
      actor,
      at,
    };
  }
}

/** What a row calls itself, or null. Exported for tests. */
export function titleOf(row) {
  for (const column of TITLES) {
    const value = row[column];
    if (typeof value !== "string" && typeof value !== "number") continue;
    const words = String(value).trim().slice(0, MOST_LETTERS);
    if (words) return words;
  }
  return null;
}

/** The ids that a row holds besides its own: perhaps somebody knows their names. */
function mentionsOf(row, key) {
  const own = new Set(Object.keys(key ?? {}).length === 1 ? Object.values(key) : []);
  const found = Object.values(row).filter((value) => typeof value === "string" && UUID.test(value) && !own.has(value));
  return [...new Set(found)].slice(0, 12);
}

/** A key as people may quote it: uuids are cut. */
function keyWords(key) {
  return Object.values(key ?? {})
    .filter((value) => value !== null && value !== undefined)
    .map((value) => (UUID.test(value) ? `${String(value).slice(0, 8)}…` : String(value).slice(0, MOST_LETTERS)))
    .join(" / ");
}

/** {title, about}: what an entry is called, and what else it names. `nameOf` knows the rows that have a board, by id. */
export function entryWords(entry, nameOf) {
  if (entry.count > 1) return { title: `${entry.count} rows`, about: "" };
  const names = [...new Set(entry.mentions.filter((id) => id !== entry.actor).map(nameOf).filter(Boolean))];
  const title = entry.title ?? names.shift() ?? entry.key;
  return { title, about: names.slice(0, 2).join(", ") };
}
