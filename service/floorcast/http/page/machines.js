// The equipment board: what is wrong first, a tile each, status as word, shape and colour.

import { byId, element, setText, showRows } from "./dom.js";
import { icon } from "./icons.js";
import { ago, machineStatus, moment } from "./words.js";

const STATUS_ORDER = ["down", "degraded", "in_maintenance", "operational", "standby"];
const CRITICALITY_ORDER = ["critical", "high", "medium", "low"];

// So few can be shown larger on a wall.
const FEW = 10;

const rank = (order, value) => (order.indexOf(value) + order.length + 1) % (order.length + 1);

/** Machines that stand on the board, the most pressing first. Exported for tests. */
export function sortedMachines(machines) {
  return machines
    .filter((machine) => machine.status !== "retired" && !machine.deleted_at)
    .sort(
      (a, b) =>
        rank(STATUS_ORDER, a.status) - rank(STATUS_ORDER, b.status) ||
        rank(CRITICALITY_ORDER, a.criticality) - rank(CRITICALITY_ORDER, b.criticality) ||
        a.name.localeCompare(b.name, [], { numeric: true }) ||
        a.id.localeCompare(b.id),
    );
}

/** Draws the board; `fresh` says which rows changed a moment ago. Returns the machines that are down. */
export function drawMachines(store, fresh, now, cut) {
  const machines = sortedMachines(store.rows("equipment"));
  showRows(
    byId("machines"),
    machines.map((machine) => ({
      key: machine.id,
      version: `${machine.version} ${JSON.stringify(machine).length} ${machine.status} ${ago(machine.status_changed_at, now)} ${fresh(machine)}`,
      draw: () => tile(machine, fresh(machine), now),
    })),
  );
  byId("machines").dataset.few = String(machines.length <= FEW);
  byId("machines").dataset.empty = machines.length ? "" : "No machine stands here yet.";
  drawCounts(machines);
  setText(byId("machines-title"), cut ? `Equipment (first ${machines.length})` : "Equipment");
  return machines.filter((machine) => machine.status === "down");
}

function tile(machine, fresh, now) {
  const since = ago(machine.status_changed_at, now);
  return element(
    "li",
    { class: fresh ? "tile fresh" : "tile", "data-status": machine.status, "data-id": machine.id },
    element("p", { class: "tile-status" }, icon(machine.status), element("strong", {}, machineStatus(machine.status))),
    // The chip comes first: a long name is cut, and what matters must not be.
    element("h3", { title: machine.name }, machine.criticality === "critical" ? element("span", { class: "chip" }, "Critical") : null, " ", machine.name),
    element(
      "p",
      { class: "tile-where dotted" },
      machine.asset_tag ? element("span", {}, machine.asset_tag) : null,
      machine.location ? element("span", {}, machine.location) : null,
      element("time", { datetime: machine.status_changed_at, title: `since ${moment(machine.status_changed_at)}` }, since === "now" ? "just now" : `for ${since}`),
    ),
  );
}

function drawCounts(machines) {
  const counts = new Map(STATUS_ORDER.map((status) => [status, 0]));
  for (const { status } of machines) counts.set(status, (counts.get(status) ?? 0) + 1);
  showRows(
    byId("machine-counts"),
    [...counts]
      .filter(([status, count]) => count > 0 || status === "down")
      .map(([status, count]) => ({
        key: status,
        version: count,
        draw: () =>
          element(
            "li",
            { "data-status": status, "data-zero": count === 0 },
            icon(status),
            element("b", {}, String(count)),
            element("span", { class: "word" }, machineStatus(status).toLowerCase()),
          ),
      })),
  );
}
