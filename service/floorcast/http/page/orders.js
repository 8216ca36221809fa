// Open work orders, the most pressing first.

import { byId, element, setText, showRows } from "./dom.js";
import { isOpen } from "./store.js";
import { actorName, moment, plain } from "./words.js";

const PRIORITY_ORDER = ["emergency", "critical", "high", "medium", "low"];
const MOST_SHOWN = 200;

const due = (order) => (order.due_at ? Date.parse(order.due_at) : Infinity);

/** Orders still to be done: by priority, then by when they are due, then the oldest. Exported for tests. */
export function sortedOrders(orders) {
  return orders.filter(isOpen).sort(
    (a, b) =>
      PRIORITY_ORDER.indexOf(a.priority) - PRIORITY_ORDER.indexOf(b.priority) ||
      // Two that are never due: Infinity - Infinity is no number.
      (due(a) === due(b) ? 0 : due(a) - due(b)) ||
      Date.parse(a.created_at) - Date.parse(b.created_at) ||
      a.id.localeCompare(b.id),
  );
}

export function drawOrders(store, fresh, now, cut) {
  const orders = sortedOrders(store.rows("work_orders"));
  const assignees = assigneesByOrder(store);
  showRows(
    byId("orders"),
    orders.slice(0, MOST_SHOWN).map((order) => {
      const machine = store.get("equipment", order.equipment_id)?.name ?? "";
      const people = assignees.get(order.id) ?? "";
      const late = due(order) < now;
      return {
        key: order.id,
        version: [order.version, JSON.stringify(order).length, machine, people, late, fresh(order)].join("|"),
        draw: () => row(order, machine, people, late, fresh(order)),
      };
    }),
  );
  byId("orders").dataset.empty = orders.length ? "" : "Nothing is open.";
  setText(byId("order-count"), orders.length > MOST_SHOWN || cut ? `${MOST_SHOWN} of ${orders.length}${cut ? "+" : ""}` : String(orders.length));
}

function row(order, machine, people, late, fresh) {
  return element(
    "li",
    { class: fresh ? "row order fresh" : "row order", "data-priority": order.priority, "data-id": order.id },
    element(
      "p",
      { class: "row-head" },
      element("span", { class: "chip priority" }, plain(order.priority)),
      element("span", { class: "number" }, order.number),
      element("span", { class: "state" }, plain(order.status)),
    ),
    element("h3", { title: order.title }, order.title),
    element(
      "p",
      { class: "row-foot dotted" },
      machine ? element("span", { class: "title" }, machine) : null,
      people ? element("span", { class: "people" }, people) : null,
      order.due_at
        ? element("span", { class: late ? "late" : null }, `${late ? "overdue since" : "due"} `, element("time", { datetime: order.due_at }, moment(order.due_at)))
        : null,
    ),
  );
}

function assigneesByOrder(store) {
  const names = new Map();
  const nameOf = (id) => store.get("users", id)?.display_name;
  for (const { work_order_id, user_id } of store.rows("work_order_assignments")) {
    const name = actorName(user_id, nameOf);
    names.set(work_order_id, names.has(work_order_id) ? `${names.get(work_order_id)}, ${name}` : name);
  }
  return names;
}
