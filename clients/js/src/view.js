// Follows one warehouse: picture, changes, progress; and after a loss goes on from its cursor.
//
//   kept rows and cursor, if any → join → picture → changes, progress …
//                                   ↑ from the cursor, or from a picture where that is refused; phoenix joins again after a loss
//
// Rows and cursor are those of the same whole step, always.

import { Freshness } from "./freshness.js";
import { Parts } from "./parts.js";
import { Rows } from "./rows.js";

const SAVE_MS = 5_000;

// What docs/protocol.md says of these: not without a person. Any other refusal is tried again.
const FINAL = new Set([
  "token_missing",
  "token_invalid",
  "version_unsupported",
  "forbidden",
  "unknown_topic",
  "unknown_table",
  "bad_join",
  "bad_filter",
  "too_many_topics",
  "picture_too_large",
]);
// Where the stream is to go on from does not fit the server.
const ANEW = new Set(["must_refetch", "bad_cursor"]);

export class WarehouseView {
  #line; // What the client gives: see client.js
  #asked;
  #channel = null;
  #parts = new Parts();
  #rows = new Rows();
  #cursor = null;
  #role = null;
  #fresh;
  #shown = ""; // The state of freshness that was told last.
  #listeners = new Map(); // event → Set of functions
  #isOver = false;
  #unsavedSince = null;

  constructor(line, warehouse, asked) {
    this.#line = line;
    this.warehouse = warehouse;
    this.#asked = asked;
    this.#fresh = new Freshness(line.progressSeconds);
    this.#begin();
  }

  /** The rows of a table by key, as of the last whole step. The view's own: it changes. */
  rows(table) {
    return this.#rows.of(table);
  }

  /** table → the columns of its key. */
  get keys() {
    return this.#rows.keys;
  }

  get role() {
    return this.#role;
  }

  /** {state: "live" | "stale" | "reconnecting", asOf}. */
  get freshness() {
    return this.#fresh.mark(Date.now());
  }

  /** Calls `listener` at each `picture`, `changes`, `fresh` or `ended`; returns a function that ends this. */
  on(event, listener) {
    if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
    this.#listeners.get(event).add(listener);
    return () => this.#listeners.get(event).delete(listener);
  }

  /** Follows no more; what is kept stays, unless it is to be forgotten. */
  async close({ forget = false } = {}) {
    if (!this.#isOver && !forget) await this.#save();
    if (forget) await this.#storage("forget");
    this.#stop();
  }

  // What the client calls.

  /** Every second, and when something happened to the line. */
  look(now) {
    if (this.#isOver) return;
    if (this.#unsavedSince !== null && now - this.#unsavedSince >= SAVE_MS) this.#save();
    const { state } = this.#fresh.mark(now);
    if (state === this.#shown) return;
    this.#shown = state;
    this.#tell("fresh", this.freshness);
  }

  save() {
    return this.#unsavedSince === null ? undefined : this.#save();
  }

  doubt() {
    this.#fresh.doubt();
    this.look(Date.now());
  }

  trust() {
    this.#fresh.trust();
  }

  /** There is a newer token. */
  renew(token) {
    if (this.#channel?.state === "joined") this.#channel.push("access_token", { access_token: token });
  }

  end(why, hint = "") {
    if (this.#isOver) return;
    this.#stop();
    this.#tell("ended", { why, hint });
  }

  // Inside

  async #begin() {
    await this.#line.ready;
    if (this.#isOver) return;
    const kept = await this.#storage("load");
    if (this.#isOver) return;
    if (kept && kept.asked === JSON.stringify(this.#asked)) this.#restore(kept);
    const channel = this.#line.channel(`warehouse:${this.warehouse}`, () => ({
      ...this.#asked,
      from: this.#cursor ?? "snapshot",
      access_token: this.#line.token(),
    }));
    this.#channel = channel;
    const hear = (event, take) =>
      channel.on(event, (payload) => {
        // Before a join is answered, what comes is a late word of one that was given up.
        if (channel.state === "joined" && !this.#isOver) take(payload);
        this.look(Date.now());
      });
    hear("snapshot", (payload) => this.#takePicture(payload));
    hear("changes", (payload) => this.#takeChanges(payload));
    hear("progress", ({ cursor, at }) => this.#moved(cursor, at));
    hear("must_refetch", () => this.#anew());
    hear("revoked", ({ hint }) => this.#withdraw("revoked", hint));
    channel.onError(() => {
      this.#fresh.lost();
      this.look(Date.now());
    });
    channel.onClose(() => this.end("closed"));
    channel
      .join()
      .receive("ok", (answer) => this.#joined(answer))
      .receive("error", (answer) => this.#refused(answer));
  }

  #restore({ cursor, at, role, keys, rows }) {
    this.#rows.know(keys);
    this.#rows.fill(rows);
    this.#cursor = cursor;
    this.#role = role;
    this.#fresh.proven(0, at);
    this.#tell("picture", { at, kept: true });
  }

  #joined({ role, keys }) {
    if (this.#isOver) return;
    this.#parts = new Parts();
    this.#role = role;
    this.#rows.know(keys);
    this.#fresh.joined(Date.now());
    this.look(Date.now());
  }

  #refused({ code = "refused", hint = "" }) {
    if (code === "forbidden") this.#withdraw("forbidden", hint);
    else if (FINAL.has(code)) this.end(code, hint);
    else if (ANEW.has(code)) this.#anew();
  }

  #takePicture(payload) {
    const step = this.#parts.picture(payload);
    if (!step) return;
    this.#rows.fill(step.rows);
    this.#moved(step.cursor, step.at);
    this.#tell("picture", { at: step.at, kept: false });
  }

  #takeChanges(payload) {
    const step = this.#parts.changes(payload);
    if (!step) return;
    this.#rows.apply(step.changes);
    this.#cursor = step.cursor;
    this.#unsavedSince ??= Date.now();
    this.#tell("changes", { tick: step.tick, at: step.at, folded: step.folded, changes: step.changes });
  }

  #moved(cursor, at) {
    this.#cursor = cursor;
    this.#fresh.proven(Date.now(), at);
    this.#unsavedSince ??= Date.now();
  }

  /** The next joining, which phoenix does after a while, begins with a picture; until then the rows are old but whole. */
  #anew() {
    this.#cursor = null;
    this.#unsavedSince = null;
    this.#storage("forget");
  }

  #withdraw(why, hint) {
    this.#rows.clear();
    this.#cursor = null;
    this.#fresh.forget();
    this.#storage("forget");
    this.end(why, hint);
  }

  #stop() {
    this.#isOver = true;
    this.#fresh.lost();
    this.#channel?.leave();
    this.#line.forget(this);
  }

  #save() {
    this.#unsavedSince = null;
    if (this.#cursor === null) return undefined;
    const asked = JSON.stringify(this.#asked);
    const { asOf: at } = this.freshness;
    return this.#storage("save", { asked, cursor: this.#cursor, at, role: this.#role, keys: this.keys, rows: this.#rows.all() });
  }

  /** A storage that fails costs a picture, nothing else. */
  async #storage(what, kept) {
    try {
      return await this.#line.storage[what](`${this.#line.name()} ${this.warehouse}`, kept);
    } catch {
      return undefined;
    }
  }

  #tell(event, facts) {
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        listener(facts);
      } catch (error) {
        // What a listener breaks is its own: the stream goes on, and somebody hears of it.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
