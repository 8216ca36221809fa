// The words and numbers that people read. Everything here is pure.

const STATUS = {
  down: "Down",
  degraded: "Degraded",
  in_maintenance: "Maintenance",
  operational: "Running",
  standby: "Standby",
  retired: "Retired",
};

/** A machine's status in one word, readable from afar. */
export function machineStatus(status) {
  return STATUS[status] ?? plain(status);
}

/** `in_progress` as "in progress": for values that need no better word. */
export function plain(value) {
  return String(value ?? "").replaceAll("_", " ");
}

export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const clockSeconds = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat([], { day: "numeric", month: "short" });
const dayOfYear = new Intl.DateTimeFormat([], { day: "numeric", month: "short", year: "numeric" });

/** A moment: the time if it is today, else the day, with the year if it is another one. */
export function moment(at, now = new Date()) {
  const when = new Date(at);
  if (when.toDateString() === now.toDateString()) return clock.format(when);
  return (when.getFullYear() === now.getFullYear() ? day : dayOfYear).format(when);
}

/** HH:MM:SS. */
export function timeOfDay(at) {
  return clockSeconds.format(new Date(at));
}

/** How long ago: "now", "5 min", "3 h", "12 d". */
export function ago(at, now = Date.now()) {
  const minutes = Math.max(0, Math.floor((now - Date.parse(at)) / 60_000));
  if (minutes < 1) return "now";
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h`;
  return `${Math.floor(minutes / (24 * 60))} d`;
}

const amounts = new Intl.NumberFormat([], { maximumFractionDigits: 3 });

/** A quantity without needless zeros. */
export function amount(quantity) {
  return amounts.format(quantity);
}

/** A name for an actor: a colleague's, else what kind of system it was. `nameOf` knows users by id. */
export function actorName(actor, nameOf) {
  return nameOf(actor) ?? (String(actor).startsWith("system:") ? "the system" : "somebody");
}

/** What a timeline event says, as the end of a sentence about its order. */
export function eventWords({ event_type, details }, nameOf) {
  const { from, to, user_id, text, item, quantity, unit } = details ?? {};
  switch (event_type) {
    case "created":
      return "reported";
    case "assigned":
      return `assigned to ${actorName(user_id, nameOf)}`;
    case "unassigned":
      return `taken from ${actorName(user_id, nameOf)}`;
    case "status_changed":
      return to === undefined ? "status changed" : plain(to);
    case "priority_changed":
      return to === undefined ? "priority changed" : `priority ${plain(from)} → ${plain(to)}`;
    case "scheduled":
      return to?.start ? `planned for ${moment(to.start)}` : to?.due ? `due ${moment(to.due)}` : "plan changed";
    case "commented":
      return text ? `“${text}”` : "commented";
    case "part_used":
      return item ? `used ${amount(quantity)} ${unit ?? ""} ${item}`.replace(/ +/g, " ") : "part used";
    default:
      return plain(event_type);
  }
}

/** A table's name as a heading: `floorcast.parts_lists` is "Parts lists". */
export function tableWords(table) {
  return capital(plain(table.slice(table.indexOf(".") + 1)));
}

/** What became of a row, for any table. A row that moved and one that was retired or restored look alike from here. */
export function operationWords({ op, by }) {
  if (op === "enter") return by === "insert" ? "added" : "now here";
  if (op === "leave") return by === "delete" ? "removed" : "no longer here";
  return "changed";
}

const MOVEMENT = {
  receipt: ["Received", 1],
  issue: ["Taken", -1],
  return: ["Returned", 1],
  transfer_out: ["Sent to another site", -1],
  transfer_in: ["Came from another site", 1],
  adjustment: ["Counted", 1],
  reserve: ["Reserved", 0],
  release: ["Released", 0],
};

/** A stock movement: {word, amount} with the sign that it has for what is on hand. */
export function movementWords({ transaction_type, quantity }) {
  const [word, sign] = MOVEMENT[transaction_type] ?? [capital(plain(transaction_type)), 0];
  if (sign === 0) return { word, amount: amount(quantity) };
  const signed = sign * Number(quantity);
  return { word, amount: (signed < 0 ? "−" : "+") + amount(Math.abs(signed)) };
}
