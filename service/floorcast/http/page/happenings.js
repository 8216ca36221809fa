// What happens: the timeline of work orders, and stock with its movements; newest on top.

import { byId, element, setText, showRows } from "./dom.js";
import { microseconds } from "./moments.js";
import { actorName, amount, capital, eventWords, moment, movementWords } from "./words.js";

const MOST_LOW_SHOWN = 6;

const newestFirst = (column) => (a, b) => microseconds(b[column]) - microseconds(a[column]) || b.id.localeCompare(a.id);

/** Items of which no more is available than the point at which to order; critical ones first. Exported for tests. */
export function lowItems(items) {
  return items
    .filter((item) => !item.deleted_at && item.reorder_point !== null && available(item) <= item.reorder_point)
    .sort((a, b) => Number(b.is_critical) - Number(a.is_critical) || available(a) - available(b) || a.name.localeCompare(b.name));
}

const available = (item) => item.quantity - item.reserved;

export function drawEvents(store, fresh, now) {
  const nameOf = (id) => store.get("users", id)?.display_name;
  const events = store.rows("work_order_timeline").sort(newestFirst("timestamp"));
  showRows(
    byId("events"),
    events.map((event) => {
      const order = store.get("work_orders", event.work_order_id);
      const number = order?.number ?? event.details?.number ?? "Work order";
      const title = order?.title ?? event.details?.title ?? "";
      const when = moment(event.timestamp, new Date(now));
      return {
        key: event.id,
        version: [number, title, when, fresh(event)].join("|"),
        draw: () =>
          element(
            "li",
            { class: fresh(event) ? "row happening fresh" : "row happening", "data-id": event.id, "data-event": event.event_type },
            element("time", { datetime: event.timestamp }, when),
            element(
              "div",
              {},
              element("p", { class: "what" }, element("span", { class: "number" }, number), " ", element("strong", {}, eventWords(event, nameOf))),
              element("p", { class: "row-foot dotted" }, element("span", {}, `by ${actorName(event.actor, nameOf)}`), title ? element("span", { class: "title" }, title) : null),
            ),
          ),
      };
    }),
  );
  byId("events").dataset.empty = events.length ? "" : "Nothing happened yet.";
}

export function drawStock(store, fresh, now) {
  const nameOf = (id) => store.get("users", id)?.display_name;
  drawLow(lowItems(store.rows("inventory_items")), fresh);
  const movements = store.rows("inventory_transactions").sort(newestFirst("created_at"));
  showRows(
    byId("movements"),
    movements.map((movement) => {
      const item = store.get("inventory_items", movement.item_id);
      const when = moment(movement.created_at, new Date(now));
      const words = movementWords(movement);
      return {
        key: movement.id,
        version: [item?.name, item?.unit, when, fresh(movement)].join("|"),
        draw: () =>
          element(
            "li",
            { class: fresh(movement) ? "row happening fresh" : "row happening", "data-id": movement.id },
            element("time", { datetime: movement.created_at }, when),
            element(
              "div",
              {},
              element(
                "p",
                { class: "what" },
                element("strong", { class: "amount" }, words.amount),
                " ",
                item?.unit && item.unit !== "piece" ? `${item.unit} ` : "",
                item?.name ?? "an item",
              ),
              element("p", { class: "row-foot dotted" }, element("span", {}, `${capital(words.word)} by ${actorName(movement.actor, nameOf)}`), movement.reason ? element("span", {}, movement.reason) : null),
            ),
          ),
      };
    }),
  );
  byId("movements").dataset.empty = movements.length ? "" : "Nothing moved yet.";
}

function drawLow(low, fresh) {
  setText(byId("low-count"), low.length ? `${low.length} below reorder point` : "");
  byId("low-count").dataset.some = String(low.length > 0);
  const shown = low.slice(0, MOST_LOW_SHOWN).map((item) => ({
    key: item.id,
    version: [item.version, item.quantity, item.reserved, item.name, fresh(item)].join("|"),
    draw: () =>
      element(
        "li",
        { class: fresh(item) ? "low-item fresh" : "low-item", "data-id": item.id },
        item.is_critical ? element("span", { class: "chip" }, "Critical") : null,
        element("span", { class: "name" }, item.name),
        element("span", { class: "left" }, element("b", {}, amount(available(item))), ` left, order at ${amount(item.reorder_point)}`),
      ),
  }));
  showRows(byId("low"), shown);
}
