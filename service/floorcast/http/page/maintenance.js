// Preventive maintenance: what is due when, on which machine, and whether an order for it exists; the most pressing first.

import { byId, element, setText, showRows } from "./dom.js";
import { after, blackoutEnd, microseconds, milliseconds } from "./moments.js";
import { isOpen } from "./store.js";
import { amount, moment, plain } from "./words.js";

const DAY_MS = 24 * 60 * 60_000;
const SOON_MS = 7 * DAY_MS;
const SOON_HOURS = 50; // Of a meter; about what a machine in two shifts runs in those seven days.
const LOOKED_BACK_MS = 90 * DAY_MS;
const MOST_SHOWN = 200;

const STATES = ["overdue", "due", "soon", "planned"];
const STATE_WORDS = { overdue: "Overdue", due: "Due", soon: "Soon", planned: "Planned" };

/**
 * What each schedule waits for, the most pressing first: {schedule, state, due, left, order, more}. A schedule whose order is
 * not done waits for the oldest such order, else for its next due. `left` is in meter hours, null by calendar; `machineOf` and
 * `templateOf` give undefined for what is not in use. Exported for tests.
 */
export function dueList(schedules, orders, machineOf, templateOf, now) {
  const waiting = ordersBySchedule(orders);
  const list = [];
  for (const schedule of schedules) {
    if (!isLive(schedule, machineOf)) continue;
    const open = waiting.get(schedule.id) ?? [];
    // A paused schedule, or one whose template is retired, makes no orders; those that it made are still to be done.
    if (open.length === 0 && !makesOrders(schedule, templateOf)) continue;
    list.push(entryOf(schedule, open, machineOf(schedule.equipment_id), now));
  }
  return list.sort(
    (a, b) =>
      STATES.indexOf(a.state) - STATES.indexOf(b.state) ||
      (a.due === b.due ? 0 : a.due - b.due) ||
      (a.left ?? 0) - (b.left ?? 0) ||
      a.schedule.id.localeCompare(b.schedule.id),
  );
}

function isLive(schedule, machineOf) {
  const machine = machineOf(schedule.equipment_id);
  return !schedule.deleted_at && machine !== undefined && machine.status !== "retired";
}

function makesOrders(schedule, templateOf) {
  return schedule.active && templateOf(schedule.template_id) !== undefined;
}

function entryOf(schedule, open, machine, now) {
  const [order = null] = open;
  // By meter there is no time until an order was made.
  const at = order ? order.schedule_due : schedule.next_due;
  const due = at ? after(schedule.blackout, Date.parse(at)) : Infinity;
  const left = order || schedule.next_due_meter === null ? null : schedule.next_due_meter - (machine.meter_hours ?? 0);
  let state = "planned";
  if (now > due + milliseconds(schedule.grace) || (left !== null && left < 0)) state = "overdue";
  else if (order || due <= now || left === 0) state = "due";
  else if (due - now <= SOON_MS || (left !== null && left <= SOON_HOURS)) state = "soon";
  return { schedule, state, due, left, order, more: Math.max(0, open.length - 1) };
}

/** Schedule → its orders that are not done, the oldest due first. */
function ordersBySchedule(orders) {
  const found = new Map();
  for (const order of orders) {
    if (!order.schedule_id || !isOpen(order)) continue;
    if (!found.has(order.schedule_id)) found.set(order.schedule_id, []);
    found.get(order.schedule_id).push(order);
  }
  for (const open of found.values()) open.sort((a, b) => Date.parse(a.schedule_due) - Date.parse(b.schedule_due));
  return found;
}

/**
 * {inTime, due} over the dues of the last ninety days, as floorcast.maintenance_compliance() counts: what is overdue counts as
 * not in time, and so does what was cancelled, else never doing any maintenance would look perfect; and a schedule that waits
 * for its order beyond due and grace, else it would look best while nothing makes orders. Exported for tests.
 */
export function compliance(history, schedules, orders, machineOf, templateOf, now) {
  const since = now - LOOKED_BACK_MS;
  const known = new Set();
  let inTime = 0;
  for (const { schedule_id, due_at, in_time } of history) {
    if (!(Date.parse(due_at) >= since)) continue;
    known.add(dueKey(schedule_id, due_at));
    if (in_time) inTime += 1;
  }
  const schedulesById = new Map(schedules.map((schedule) => [schedule.id, schedule]));
  for (const { schedule_id, schedule_due, deleted_at } of orders) {
    const due = Date.parse(schedule_due);
    if (!schedule_id || deleted_at || !(due >= since)) continue;
    const schedule = schedulesById.get(schedule_id);
    if (now > after(schedule?.blackout, due) + milliseconds(schedule?.grace)) known.add(dueKey(schedule_id, schedule_due));
  }
  const waiting = ordersBySchedule(orders);
  const ofSchedules = orders.filter(({ schedule_id }) => schedule_id);
  const ordered = new Set(ofSchedules.map(({ schedule_id, schedule_due }) => dueKey(schedule_id, schedule_due)));
  for (const schedule of schedules) {
    const { id, next_due } = schedule;
    if (!next_due || !isLive(schedule, machineOf) || !makesOrders(schedule, templateOf)) continue;
    if (ordered.has(dueKey(id, next_due))) continue;
    if (schedule.basis === "completion" && waiting.has(id)) continue;
    if (blackoutEnd(schedule.blackout, Date.parse(next_due)) === Infinity) continue;
    // However long ago: it came to stand then, and stands still.
    if (now > after(schedule.blackout, Date.parse(next_due)) + milliseconds(schedule.grace)) known.add(dueKey(id, next_due));
  }
  return { inTime, due: known.size };
}

function dueKey(scheduleId, due) {
  return `${scheduleId} ${microseconds(due)}`;
}

export function drawMaintenance(store, fresh, now, cut) {
  const schedules = store.rows("maintenance_schedules");
  const orders = store.rows("work_orders");
  const machineOf = (id) => store.get("equipment", id);
  const templateOf = (id) => store.get("maintenance_templates", id);
  const list = dueList(schedules, orders, machineOf, templateOf, now);
  showRows(
    byId("maintenance"),
    list.slice(0, MOST_SHOWN).map((entry) => {
      const { schedule, state, order, more, left } = entry;
      const machine = machineOf(schedule.equipment_id).name;
      const work = templateOf(schedule.template_id)?.name ?? order?.title ?? "";
      const isFresh = fresh(schedule) || (order !== null && fresh(order));
      return {
        key: schedule.id,
        version: [schedule.version, state, machine, work, order?.number, order?.status, more, left, isFresh].join("|"),
        draw: () => row(entry, machine, work, isFresh),
      };
    }),
  );
  byId("maintenance").dataset.empty = list.length ? "" : "No maintenance is planned yet.";
  const overdue = list.filter(({ state }) => state === "overdue").length;
  setText(byId("overdue-count"), overdue ? `${overdue} overdue` : "");
  byId("overdue-count").dataset.some = String(overdue > 0);
  const { inTime, due } = compliance(store.rows("maintenance_history"), schedules, orders, machineOf, templateOf, now);
  setText(byId("compliance"), due ? `${inTime} of ${due}${cut ? "+" : ""} in time, 90 days` : "");
}

function row({ schedule, state, due, left, order, more }, machine, work, fresh) {
  return element(
    "li",
    { class: fresh ? "row upkeep fresh" : "row upkeep", "data-state": state, "data-id": schedule.id },
    element(
      "p",
      { class: "row-head" },
      element("span", { class: "chip" }, STATE_WORDS[state]),
      element("span", { class: "state" }, stateWords(state, order, more)),
    ),
    element("h3", { title: machine }, machine),
    element(
      "p",
      { class: "row-foot dotted" },
      work ? element("span", { class: "title" }, work) : null,
      element("span", { class: "every" }, everyWords(schedule)),
      element("span", { class: state === "overdue" ? "late" : null }, ...dueWords(state, due, left)),
      order ? element("span", {}, order.number) : null,
    ),
  );
}

function stateWords(state, order, more) {
  if (order) return more ? `${plain(order.status)}, ${more} more` : plain(order.status);
  return state === "overdue" || state === "due" ? "no order yet" : "";
}

function dueWords(state, due, left) {
  if (left !== null) return [left < 0 ? `${amount(-left)} h over` : `in ${amount(left)} h of its meter`];
  if (due === Infinity) return ["due by its meter"];
  const at = new Date(due);
  return [state === "overdue" ? "overdue since " : "due ", element("time", { datetime: at.toISOString() }, moment(at))];
}

/** "every 30 days", "every month". Exported for tests. */
export function everyWords({ schedule_type, frequency }) {
  const unit = schedule_type === "meter_hours" ? "meter hours" : schedule_type;
  return frequency === 1 ? `every ${unit.replace(/s$/, "")}` : `every ${amount(frequency)} ${unit}`;
}
