// The bell and what it tells one person. Showing is all: a notification is marked as read where people work, and the count
// follows.

import { byId, element, setText, showRows } from "./dom.js";
import { icon } from "./icons.js";
import { microseconds } from "./moments.js";
import { capital, moment, plain } from "./words.js";

const TYPE = {
  assigned: "Assigned to you",
  equipment_down: "Machine down",
  equipment_back: "Machine back",
  below_reorder_point: "Stock is low",
  escalated: "Escalated",
  maintenance_due: "Maintenance due",
  announcement: "Announcement",
};

/** Unread ones first, then the newest. Exported for tests. */
export function sortedNotifications(notifications) {
  return [...notifications].sort(
    (a, b) =>
      Number(a.read_at !== null) - Number(b.read_at !== null) ||
      microseconds(b.created_at) - microseconds(a.created_at) ||
      b.id.localeCompare(a.id),
  );
}

/** What the bell says: {count, words}; `cut` when there are more than the page holds. Exported for tests. */
export function bellWords(unread, cut) {
  const count = `${unread}${cut ? "+" : ""}`;
  if (unread === 0) return { count: "", words: "Notifications: nothing unread" };
  return { count, words: `Notifications: ${unread}${cut ? " or more" : ""} unread` };
}

/** Draws bell and list; returns the unread ones. */
export function drawNotifications(store, fresh, now, cut) {
  const notifications = sortedNotifications(store.rows("notifications"));
  const unread = notifications.filter(({ read_at }) => read_at === null);
  drawBell(unread.length, cut);
  showRows(
    byId("notification-list"),
    notifications.map((notification) => {
      const when = moment(notification.created_at, new Date(now));
      const about = aboutOf(notification, store);
      return {
        key: notification.id,
        version: [notification.read_at, notification.title, notification.body, when, about, fresh(notification)].join("|"),
        draw: () => row(notification, when, about, fresh(notification)),
      };
    }),
  );
  byId("notification-list").dataset.empty = notifications.length ? "" : "Nothing for you here yet.";
  return unread;
}

function drawBell(unread, cut) {
  const bell = byId("bell");
  const { count, words } = bellWords(unread, cut);
  // Only on a change: whoever has the focus there would hear it again.
  if (bell.getAttribute("aria-label") === words) return;
  bell.setAttribute("aria-label", words);
  bell.dataset.some = String(unread > 0);
  bell.replaceChildren(icon("bell"), element("b", { id: "unread-count" }, count));
}

function row(notification, when, about, fresh) {
  const unread = notification.read_at === null;
  return element(
    "li",
    { class: fresh ? "row notification fresh" : "row notification", "data-unread": String(unread), "data-id": notification.id },
    element(
      "p",
      { class: "row-head" },
      unread ? element("span", { class: "chip" }, "New") : null,
      element("span", { class: "number" }, TYPE[notification.type] ?? capital(plain(notification.type))),
      element("time", { class: "state", datetime: notification.created_at }, when),
    ),
    element("h3", {}, notification.title),
    notification.body ? element("p", { class: "body" }, notification.body) : null,
    about ? element("p", { class: "row-foot" }, about) : null,
  );
}

/** What it is about, as far as the title does not say so. */
function aboutOf({ work_order_id, equipment_id, item_id, title }, store) {
  const number = work_order_id && store.get("work_orders", work_order_id)?.number;
  const names = [number && title.includes(number) ? null : work_order_id, equipment_id, item_id].map((id) => (id ? store.name(id) : null));
  return names.filter((name) => name && !title.includes(name)).join(", ");
}

/** Makes the bell open and close the list; Escape closes it and leads back to the bell. */
export function wireBell() {
  byId("bell").addEventListener("click", () => (byId("notifications").hidden ? openList() : closeList()));
  byId("notifications-close").addEventListener("click", closeList);
  byId("notifications").addEventListener("keydown", (event) => event.key === "Escape" && closeList());
}

function openList() {
  byId("notifications").hidden = false;
  byId("bell").setAttribute("aria-expanded", "true");
  byId("notifications-title").focus();
}

function closeList() {
  hideList();
  byId("bell").focus();
}

/** Closes without moving the focus: what was shown is somebody else's, or nobody's. */
export function hideList() {
  byId("notifications").hidden = true;
  byId("bell").setAttribute("aria-expanded", "false");
}
