// Follows one warehouse with the package of clients/js, which joins, goes on after a loss, and knows what is current. What is
// the page's own: what it asks for, that its boards hold the rows, and that nothing of them stays on the device.

import { Client } from "./client/client.js";
import { askFor } from "./tables.js";
import { Socket } from "./vendor/phoenix.js";

const MOST_CHANGES = 20_000; // A larger tick is more than a page should collect.

// Whose screen a wall is nobody knows.
const NOWHERE = { load: async () => undefined, save: async () => {}, forget: async () => {} };

const WHYS = new Map([
  ["revoked", "revoked"],
  ["closed", "revoked"],
  ["forbidden", "forbidden"],
  ["token", "token"],
  ["token_missing", "token"],
  ["token_invalid", "token"],
]);

export class Follower {
  #client;
  #warehouse;
  #on;
  #view = null;
  #stopped = false;

  /**
   * `on.picture({rows, role})` and `on.changes({changes})` bring data, each one step; `on.moved()` says that freshness took a
   * turn; `on.ended(why, hint)` says that following is over: why is `revoked`, `forbidden`, `token` or `refused`.
   */
  constructor({ token, warehouse, progressSeconds, on }) {
    this.#client = new Client(Socket, { url: location.origin, token, storage: NOWHERE, progressSeconds });
    this.#warehouse = warehouse;
    this.#on = on;
  }

  start() {
    const asked = (keys) => askFor(keys, Date.now());
    this.#view = this.#client.follow(this.#warehouse, asked, { rows: this.#holder(), mostChanges: MOST_CHANGES });
    this.#view.on("fresh", () => this.#stopped || this.#on.moved());
    this.#view.on("ended", ({ why, hint }) => {
      if (this.#stopped) return;
      this.stop();
      this.#on.ended(WHYS.get(why) ?? "refused", hint);
    });
  }

  /** Ends everything, quietly. */
  stop() {
    this.#stopped = true;
    this.#client.close();
  }

  /** {state: "live" | "stale" | "reconnecting", since}: `since` is when the screen was last known to be current, or null. */
  get mark() {
    return this.#view?.freshness ?? { state: "reconnecting", since: null };
  }

  /** What stands where a view has its rows: those are on the boards, which hold less of them. */
  #holder() {
    const told = (tell) => (facts) => this.#stopped || tell(facts);
    return {
      know() {},
      clear() {},
      fill: told((rows) => this.#on.picture({ rows, role: this.#view.role })),
      apply: told((changes) => this.#on.changes({ changes })),
      all: () => ({}),
    };
  }
}
