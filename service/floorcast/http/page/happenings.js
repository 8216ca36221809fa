// What happens: the timeline of work orders with changes of tables that have no board, and stock with its movements; newest on
// top.

import { byId, element, setText, showRows } from "./dom.js";
import { entryWords } from "./feed.js";
import { microseconds } from "./moments.js";
import { actorName, amount, capital, eventWords, moment, movementWords, operationWords, tableWords } from "./words.js";

const MOST_LOW_SHOWN = 6;
const MOST_EVENTS_SHOWN = 50;

const newestFirst = (column) => (a, b) => microseconds(b[column]) - microseconds(a[column]) || b.id.localeCompare(a.id);

/** Items of which no more is available than the point at which to order; critical ones first. Exported for tests. */
export function lowItems(items) {
  return items
    .filter((item) => !item.deleted_at && item.reorder_point !== null && available(item) <= item.reorder_point)
    .sort((a, b) => Number(b.is_critical) - Number(a.is_critical) || available(a) - available(b) || a.name.localeCompare(b.name));
}

const available = (item) => item.quantity - item.reserved;

/** Draws the timeline's events and the feed's entries as one list. */
export function drawEvents(store, feed, fresh, now) {
  const nameOf = (id) => store.get("users", id)?.display_name;
  const events = store.rows("work_order_timeline").map((event) => eventLine(event, store, nameOf));
  const entries = feed.entries.map((entry) => entryLine(entry, store, nameOf));
  const lines = [...events, ...entries].sort(newestFirst("at")).slice(0, MOST_EVENTS_SHOWN);
  showRows(
    byId("events"),
    lines.map((line) => {
      const when = moment(line.at, new Date(now));
      return {
        key: line.id,
        version: [line.number, line.what, line.by, line.title, when, fresh(line)].join("|"),
        draw: () =>
          element(
            "li",
            { class: fresh(line) ? "row happening fresh" : "row happening", "data-id": line.id, ...line.attributes },
            element("time", { datetime: line.at }, when),
            element(
              "div",
              {},
              element("p", { class: "what" }, element("span", { class: "number" }, line.number), " ", element("strong", {}, line.what)),
              element("p", { class: "row-foot dotted" }, element("span", {}, `by ${line.by}`), line.title ? element("span", { class: "title" }, line.title) : null),
            ),
          ),
      };
    }),
  );
  byId("events").dataset.empty = lines.length ? "" : "Nothing happened yet.";
}

function eventLine(event, store, nameOf) {
  const order = store.get("work_orders", event.work_order_id);
  return {
    id: event.id,
    at: event.timestamp,
    number: order?.number ?? event.details?.number ?? "Work order",
    what: eventWords(event, nameOf),
    by: actorName(event.actor, nameOf),
    title: order?.title ?? event.details?.title ?? "",
    attributes: { "data-event": event.event_type },
  };
}

function entryLine(entry, store, nameOf) {
  const { title, about } = entryWords(entry, (id) => store.name(id));
  return {
    id: entry.id,
    at: entry.at,
    number: tableWords(entry.table),
    what: `${title} ${operationWords(entry)}`.trim(),
    by: actorName(entry.actor, nameOf),
    title: about,
    attributes: { "data-table": entry.table, "data-op": entry.op },
  };
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
