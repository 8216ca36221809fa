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
const SETTLED_MS = 10_000;

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
// What is asked for was fitted to what there was.
const FITTED = new Set(["unknown_table"]);

export class WarehouseView {
  #line; // What the client gives: see client.js
  #fit = null; // table → columns of its key ↦ what to ask for, where that depends on it
  #asked;
  #channel = null; // Of the phoenix package; what an earlier one says is passed over.
  #askedAt = 0;
  #tries = 0; // How often it began anew since it last ran well.
  #timer = null;
  #mostChanges;
  #parts;
  #rows;
  #cursor = null;
  #role = null;
  #fresh;
  #shown = ""; // The state of freshness that was told last.
  #listeners = new Map(); // event → Set of functions
  #isOver = false;
  #unsavedSince = null;

  constructor(line, warehouse, asked, { rows = new Rows(), mostChanges = Infinity } = {}) {
    this.#line = line;
    this.warehouse = warehouse;
    if (typeof asked === "function") this.#fit = asked;
    else this.#asked = asked;
    this.#rows = rows;
    this.#mostChanges = mostChanges;
    this.#parts = new Parts(mostChanges);
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

  /** {state: "live" | "stale" | "reconnecting", asOf, since}: see freshness.js. */
  get freshness() {
    return this.#fresh.mark(Date.now());
  }

  /** Calls `listener` at each `picture`, `changes`, `fresh`, `unkept` or `ended`; returns a function that ends this. */
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
    if (this.#fresh.runsFor(now) > SETTLED_MS) this.#tries = 0;
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
    this.look(Date.now());
  }

  /** The storage failed; from now on memory keeps. */
  unkept(reason) {
    if (!this.#isOver) this.#tell("unkept", { reason });
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
    if (kept) this.#restore(kept);
    this.#join();
  }

  #join() {
    // What there is differs from role to role and from warehouse to warehouse.
    if (this.#fit && this.#cursor === null) this.#lookAround();
    else this.#follow();
  }

  #lookAround() {
    const channel = this.#open(() => ({ access_token: this.#line.token() }));
    channel
      .join()
      .receive("ok", ({ keys }) => {
        if (channel !== this.#channel) return;
        this.#asked = this.#fit(keys);
        this.#leave();
        this.#follow();
      })
      .receive("error", (answer) => channel === this.#channel && this.#refused(answer));
  }

  #follow() {
    const channel = this.#open(() => {
      this.#askedAt = Date.now();
      return { ...this.#asked, from: this.#cursor ?? "snapshot", access_token: this.#line.token() };
    });
    const hear = (event, take) =>
      channel.on(event, (payload) => {
        this.#line.look(); // The device may have slept, and this have waited: before anything is taken for a proof.
        // Before a join is answered, what comes is a late word of one that was given up.
        if (channel === this.#channel && channel.state === "joined") take(payload);
        this.look(Date.now());
      });
    hear("snapshot", (payload) => this.#takePicture(payload));
    hear("changes", (payload) => this.#takeChanges(payload));
    hear("progress", ({ cursor, at }) => this.#moved(cursor, at));
    hear("must_refetch", () => this.#anew());
    hear("revoked", ({ hint }) => this.#withdraw("revoked", hint));
    channel
      .join()
      .receive("ok", (answer) => channel === this.#channel && this.#joined(answer))
      .receive("error", (answer) => channel === this.#channel && this.#refused(answer));
  }

  #open(payload) {
    const channel = this.#line.channel(`warehouse:${this.warehouse}`, payload);
    this.#channel = channel;
    channel.onError(() => channel === this.#channel && this.#paused());
    channel.onClose(() => channel === this.#channel && this.end("closed"));
    return channel;
  }

  #leave() {
    const channel = this.#channel;
    this.#channel = null;
    channel?.leave();
  }

  #paused() {
    this.#fresh.lost();
    this.look(Date.now());
  }

  /** What is kept may be of other tables, or may have been spoilt: then it is as if there were nothing. */
  #restore({ asked, cursor, at, role, keys, rows }) {
    if (!this.#fit && asked !== JSON.stringify(this.#asked)) return;
    try {
      if (typeof cursor !== "string") throw new TypeError("a view is kept with its cursor");
      this.#rows.know(keys);
      this.#rows.fill(rows);
      if (this.#fit) this.#asked = JSON.parse(asked);
    } catch {
      this.#rows.clear();
      this.#storage("forget");
      return;
    }
    this.#cursor = cursor;
    this.#role = role;
    this.#fresh.proven(0, at);
    this.#tell("picture", { at, kept: true });
  }

  #joined({ role, keys }) {
    if (this.#isOver) return;
    this.#parts = new Parts(this.#mostChanges);
    this.#role = role;
    this.#rows.know(keys);
    this.#fresh.joined(this.#askedAt);
    this.look(Date.now());
  }

  #refused({ code = "refused", reason = "", hint = "" }) {
    if (code === "forbidden") this.#withdraw("forbidden", hint);
    else if (ANEW.has(code) || (this.#fit && FITTED.has(code))) this.#anew();
    else if (FINAL.has(code)) this.end(code, `${reason} ${hint}`.trim());
    else if (code === "token_expired" && !this.#line.isRenewed) this.end("token", reason);
  }

  #takePicture(payload) {
    const step = this.#parts.picture(payload);
    if (!step) return;
    this.#rows.fill(step.rows);
    // Whatever had happened when it was asked for is in it.
    this.#moved(step.cursor, step.at, this.#askedAt);
    this.#save(); // At once: it costs most to read again, and what a page writes when it is left may come too late.
    this.#tell("picture", { at: step.at, kept: false });
  }

  #takeChanges(payload) {
    const step = this.#parts.changes(payload);
    if (this.#parts.isOverflowing) return this.#anew();
    if (!step) return;
    this.#rows.apply(step.changes);
    this.#cursor = step.cursor;
    this.#unsavedSince ??= Date.now();
    this.#tell("changes", { tick: step.tick, at: step.at, folded: step.folded, changes: step.changes });
  }

  #moved(cursor, at, now = Date.now()) {
    this.#cursor = cursor;
    this.#fresh.proven(now, at);
    this.#unsavedSince ??= Date.now();
  }

  /** The next joining begins with a picture; until that is there the rows are old but whole. */
  #anew() {
    this.#cursor = null;
    this.#unsavedSince = null;
    this.#storage("forget");
    this.#leave();
    this.#paused();
    this.#tries += 1;
    this.#timer = setTimeout(() => this.#join(), this.#line.wait(this.#tries));
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
    clearTimeout(this.#timer);
    this.#fresh.lost();
    this.#leave();
    this.#line.forget(this);
  }

  #save() {
    this.#unsavedSince = null;
    if (this.#cursor === null) return undefined;
    const asked = JSON.stringify(this.#asked);
    const { asOf: at } = this.freshness;
    return this.#storage("save", { asked, cursor: this.#cursor, at, role: this.#role, keys: this.keys, rows: this.#rows.all() });
  }

  #storage(what, kept) {
    return this.#line.storage[what](`${this.#line.name()} ${this.warehouse}`, kept);
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
