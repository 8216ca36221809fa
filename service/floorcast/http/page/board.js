// One warehouse on the screen: rows come in through picture() and changes(), and are drawn at most once a frame.

import { byId } from "./dom.js";
import { Feed } from "./feed.js";
import { drawEvents, drawStock } from "./happenings.js";
import { drawMachines } from "./machines.js";
import { announceDown, forgetDown } from "./mark.js";
import { drawOrders } from "./orders.js";
import { Store, hasBoard } from "./store.js";

const FRESH_MS = 6_000;

export class Board {
  #store = new Store();
  #feed = new Feed();
  #freshUntil = new Map(); // row id → time until which it is shown as new
  #cut = { equipment: false, work_orders: false };
  #scheduled = false;
  #whole = true; // False while a tick that comes in parts is half applied: half a transaction is never drawn.

  /** Shows a picture in place of everything. */
  picture({ tables, limits }) {
    this.#store.fill(tables);
    // What was told before may be more than may be told now.
    this.#feed.clear();
    this.#cut.equipment = tables.equipment.length >= limits.rows;
    this.#cut.work_orders = tables.work_orders.length >= limits.rows;
    this.#freshUntil.clear();
    this.#whole = true;
    byId("board").dataset.filled = "true";
    this.draw();
  }

  /** Applies a `changes` payload. */
  changes({ changes }, endsTick) {
    const until = Date.now() + FRESH_MS;
    for (const operation of changes) {
      const changed = this.#store.apply(operation);
      if (changed?.row?.id) this.#freshUntil.set(changed.row.id, until);
    }
    for (const { id } of this.#feed.add(changes.filter(({ table }) => !hasBoard(table)))) this.#freshUntil.set(id, until);
    this.#whole = endsTick;
    if (endsTick) this.draw();
  }

  /** Shows nothing and knows nothing. */
  clear() {
    this.#store.clear();
    this.#feed.clear();
    this.#freshUntil.clear();
    this.#whole = true;
    forgetDown();
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
      if (this.#whole) this.#draw();
    });
  }

  #draw() {
    const now = Date.now();
    for (const [id, until] of this.#freshUntil) if (until < now) this.#freshUntil.delete(id);
    const fresh = ({ id }) => this.#freshUntil.has(id);
    const down = drawMachines(this.#store, fresh, now, this.#cut.equipment);
    drawOrders(this.#store, fresh, now, this.#cut.work_orders);
    drawEvents(this.#store, this.#feed, fresh, now);
    drawStock(this.#store, fresh, now);
    if (byId("board").dataset.filled) announceDown(down, (id) => this.#store.get("equipment", id)?.name);
    document.title = down.length ? `${down.length} down · Floorcast` : "Floorcast";
  }
}
