// One warehouse on the screen: rows come in through picture() and changes(), and are drawn at most once a frame.

import { Announcer } from "./announcer.js";
import { byId } from "./dom.js";
import { Feed } from "./feed.js";
import { drawEvents, drawStock } from "./happenings.js";
import { drawMachines } from "./machines.js";
import { drawMaintenance } from "./maintenance.js";
import { drawNotifications, hideList } from "./notifications.js";
import { drawOrders } from "./orders.js";
import { Store } from "./store.js";
import { hasBoard } from "./tables.js";

const FRESH_MS = 6_000;

export class Board {
  #store = new Store();
  #feed = new Feed();
  #freshUntil = new Map(); // row id → time until which it is shown as new
  #announcer = new Announcer();
  #cut = new Set(); // Tables of which there may be more rows than are held.
  #scheduled = false;
  #isPerson = true; // Trusted servers are told of everybody's notifications; those are nobody else's to show.

  /** Shows a picture in place of everything. */
  picture({ rows, role }) {
    this.#isPerson = role !== "service_role";
    byId("bell").hidden = !this.#isPerson;
    this.#store.fill(this.#isPerson ? rows : { ...rows, notifications: [] });
    // What was told before may be more than may be told now.
    this.#feed.clear();
    this.#cut = new Set(["equipment", "work_orders", "maintenance_history", "notifications"].filter((table) => this.#store.isFull(table)));
    this.#freshUntil.clear();
    byId("board").dataset.filled = "true";
    this.draw();
  }

  /** Applies the changes of a whole tick, or of all ticks that were missed. */
  changes({ changes }) {
    const until = Date.now() + FRESH_MS;
    for (const operation of changes) {
      if (operation.table === "notifications" && !this.#isPerson) continue;
      const changed = this.#store.apply(operation);
      if (changed?.row?.id) this.#freshUntil.set(changed.row.id, until);
    }
    for (const { id } of this.#feed.add(changes, (table) => !hasBoard(table))) this.#freshUntil.set(id, until);
    this.draw();
  }

  /** Shows nothing and knows nothing. */
  clear() {
    this.#store.clear();
    this.#feed.clear();
    this.#freshUntil.clear();
    this.#announcer.forget();
    hideList();
    this.#draw();
    delete byId("board").dataset.filled;
    document.title = "Floorcast";
  }

  /** Has everything drawn with the next frame. */
  draw() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#draw();
    });
  }

  #draw() {
    const now = Date.now();
    for (const [id, until] of this.#freshUntil) if (until < now) this.#freshUntil.delete(id);
    const fresh = ({ id }) => this.#freshUntil.has(id);
    const down = drawMachines(this.#store, fresh, now, this.#cut.has("equipment"));
    drawOrders(this.#store, fresh, now, this.#cut.has("work_orders"));
    drawMaintenance(this.#store, fresh, now, this.#cut.has("maintenance_history"));
    drawEvents(this.#store, this.#feed, fresh, now);
    drawStock(this.#store, fresh, now);
    const unread = drawNotifications(this.#store, fresh, now, this.#cut.has("notifications"));
    if (byId("board").dataset.filled) this.#announcer.look(down, unread, (id) => this.#store.get("equipment", id)?.name);
    document.title = down.length ? `${down.length} down · Floorcast` : "Floorcast";
  }
}
