// Follows one warehouse: join, picture, changes; and after a loss goes on from its cursor. Holds no rows and draws nothing.
//
//   open socket → join → picture → changes, progress …
//        ↑          ↑ from the cursor, or from a picture where that is refused
//        └ backoff ─┴─ on any loss
//
// The cursor is that of what was handed on whole, so that screen and cursor never disagree.

import { Backoff } from "./backoff.js";
import { Channel } from "./channel.js";
import { Freshness } from "./freshness.js";
import { Parts } from "./parts.js";
import { readWarehouses, socketAddress } from "./server.js";
import { askFor } from "./tables.js";

const PROBE_MS = 4_000;
const SETTLED_MS = 10_000;
const REFETCH_MS = 3_000;
const BUSY_MS = 10_000;

// What the table of errors says of these: not without a person.
const TOKEN_CODES = new Set(["token_missing", "token_expired", "token_invalid"]);
const TOKEN_CLOSES = new Set([4401, 4501, 4502]);
const FINAL_CODES = new Set(["unknown_topic", "bad_join", "bad_filter", "too_many_topics", "picture_too_large"]);
// What is asked for, or where it is to go on from, no longer fits the server: begin anew.
const ANEW_CODES = new Set(["must_refetch", "bad_cursor", "unknown_table"]);
const LOST_CODES = new Set(["timeout", "closed"]);

export class Follower {
  #token;
  #topic;
  #on;
  #backoff = new Backoff();
  #attempt = null; // What belongs to the running connection; everything late that belongs to another one is ignored.
  #timer = null;
  #stopped = false;
  #asked = null; // What is joined with; a cursor holds for nothing else.
  #cursor = null; // Of what was handed on; null: there is nothing that could be gone on from.

  /**
   * `on.picture({rows, role})` and `on.changes({changes})` bring data, each one step; `on.moved()` says that freshness took a
   * turn; `on.ended(why, hint)` says that following is over: why is `revoked`, `forbidden`, `token` or `refused`.
   */
  constructor({ token, warehouse, progressSeconds, on }) {
    this.#token = token;
    this.#topic = `warehouse:${warehouse}`;
    this.#on = on;
    this.freshness = new Freshness(progressSeconds);
  }

  start() {
    this.#connect();
  }

  /** Ends everything, quietly. */
  stop() {
    this.#stopped = true;
    this.#drop();
    this.freshness.forget();
  }

  /** Something suggests that the network is back, or that the device slept: find out at once. */
  nudge() {
    if (this.#stopped) return;
    const attempt = this.#attempt;
    if (!attempt) {
      clearTimeout(this.#timer);
      this.#connect();
    } else if (attempt.isLive) {
      this.freshness.doubt();
      attempt.channel.beat(PROBE_MS).then(
        () => attempt === this.#attempt && this.freshness.trust(),
        () => this.#lost(attempt),
      );
    }
  }

  /** To be called every second. */
  look(now = Date.now()) {
    if (this.freshness.slept(now)) this.nudge();
  }

  async #connect() {
    const attempt = { isLive: false, since: Date.now(), parts: null, askedAt: null, role: null };
    this.#attempt = attempt;
    attempt.channel = new Channel(
      socketAddress(this.#token),
      (end) => this.#closed(attempt, end),
      // The server spreads those who have to go by itself. That a token ends is said when it does: the page has no other.
      (event, { after_ms }) => event === "draining" && setTimeout(() => this.#lost(attempt, 0), after_ms),
    );
    await attempt.channel.opened;
    this.#join(attempt);
  }

  async #join(attempt) {
    const isCurrent = () => attempt === this.#attempt;
    if (!isCurrent()) return;
    const { channel } = attempt;
    try {
      if (this.#cursor === null) {
        // What there is, since it differs from role to role and from plant to plant.
        const { keys } = await channel.join(this.#topic, {}, () => {});
        if (!isCurrent()) return;
        this.#asked = askFor(keys, Date.now());
      }
      attempt.parts = new Parts();
      attempt.askedAt = Date.now();
      const asked = { ...this.#asked, from: this.#cursor ?? "snapshot" };
      const { role } = await channel.join(this.#topic, asked, (event, payload) => isCurrent() && this.#hear(attempt, event, payload));
      if (!isCurrent()) return;
      attempt.role = role;
      if (this.#cursor !== null) this.#runs(attempt, Date.now());
    } catch (error) {
      if (isCurrent()) this.#failed(attempt, error);
    }
  }

  #runs(attempt, since) {
    attempt.isLive = true;
    this.freshness.connected(since);
    this.#on.moved();
  }

  #hear(attempt, event, payload) {
    this.look();
    // Looking may have ended it.
    if (attempt !== this.#attempt) return;
    switch (event) {
      case "snapshot":
      case "changes":
        this.#take(attempt, event, payload);
        break;
      case "progress":
        this.#cursor = payload.cursor;
        this.freshness.proven(Date.now());
        this.#on.moved();
        break;
      case "revoked":
      case "phx_close":
        this.#end("revoked", payload.hint);
        break;
      case "must_refetch":
        this.#anew(attempt);
        break;
      case "phx_error":
        this.#again(attempt, this.#wait(attempt));
        break;
    }
  }

  #take(attempt, event, payload) {
    const step = attempt.parts.take(event, payload);
    if (attempt.parts.overflowing) return this.#anew(attempt);
    if (!step) return;
    if (event === "changes") this.#on.changes(step);
    else {
      this.#on.picture({ rows: step.rows, role: attempt.role });
      // Whatever had happened when it was asked for is in it.
      this.#runs(attempt, attempt.askedAt);
      this.freshness.proven(attempt.askedAt);
    }
    this.#cursor = step.cursor;
    this.#on.moved();
  }

  #failed(attempt, error) {
    if (TOKEN_CODES.has(error.code)) this.#end("token", error.message);
    else if (error.code === "forbidden") this.#end("forbidden", error.hint);
    else if (FINAL_CODES.has(error.code)) this.#end("refused", `${error.message} ${error.hint}`);
    else if (ANEW_CODES.has(error.code)) this.#anew(attempt);
    else if (LOST_CODES.has(error.code)) this.#lost(attempt);
    else this.#again(attempt, error.againInMs ?? this.#backoff.spread(BUSY_MS));
  }

  async #closed(attempt, { code, reason, opened }) {
    if (attempt !== this.#attempt) return;
    if (TOKEN_CLOSES.has(code)) return this.#end("token", reason);
    if (code >= 4500 && code < 5000) return this.#end("refused", reason);
    this.#lost(attempt);
    if (opened) return;
    // A browser does not say why a handshake failed. If the token is why, trying on would be in vain.
    const refusal = await readWarehouses(this.#token).then(() => null, (error) => error);
    if (refusal?.status === 401 && !this.#stopped) this.#end("token", refusal.message);
  }

  /** Joins again with a picture; what is shown stays until that is there. */
  #anew(attempt) {
    this.#cursor = null;
    this.#settle(attempt);
    this.#again(attempt, this.#backoff.spread(REFETCH_MS));
  }

  /** Joins again on the same socket. */
  #again(attempt, wait) {
    attempt.channel.forget(this.#topic);
    attempt.isLive = false;
    attempt.since = Date.now();
    this.freshness.disconnected();
    this.#on.moved();
    this.#timer = setTimeout(() => this.#join(attempt), wait);
  }

  /** Begins again with another socket. */
  #lost(attempt, wait = this.#wait(attempt)) {
    if (attempt !== this.#attempt || this.#stopped) return;
    this.#drop();
    this.#timer = setTimeout(() => this.#connect(), wait);
  }

  #wait(attempt) {
    this.#settle(attempt);
    return this.#backoff.next();
  }

  #settle(attempt) {
    if (attempt.isLive && Date.now() - attempt.since > SETTLED_MS) this.#backoff.reset();
  }

  #end(why, hint) {
    if (this.#stopped) return;
    this.stop();
    this.#on.ended(why, hint ?? "");
  }

  #drop() {
    const attempt = this.#attempt;
    this.#attempt = null;
    clearTimeout(this.#timer);
    this.freshness.disconnected();
    attempt?.channel.close();
    this.#on.moved();
  }
}
