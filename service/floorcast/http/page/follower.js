// Follows one warehouse: join, picture, changes; and all of it again after a loss. Holds no rows and draws nothing.
//
//   open socket → join (ticks wait) → read picture → apply what waited → live
//        ↑________________ backoff ________________________|  on any loss or must_refetch
//
// The join comes first: whatever is committed after the picture was read then comes through the stream.

import { Backoff } from "./backoff.js";
import { Channel } from "./channel.js";
import { Freshness } from "./freshness.js";
import { Refusal, readPicture, readWarehouses, socketAddress } from "./server.js";
import { Splice, tickOf } from "./splice.js";

const PROBE_MS = 4_000;
const SETTLED_MS = 10_000;
const TOKEN_CODES = new Set(["token_missing", "token_expired", "token_invalid"]);
const TOKEN_CLOSES = new Set([4401, 4501, 4502]);

export class Follower {
  #token;
  #warehouse;
  #on;
  #backoff = new Backoff();
  #attempt = null; // What belongs to the running connection; everything late that belongs to another one is ignored.
  #timer = null;
  #stopped = false;

  freshness = new Freshness();

  /**
   * `on.picture(picture)` and `on.changes(payload, endsTick)` bring data; `on.moved()` says that freshness took a turn;
   * `on.ended(why, hint)` says that following is over: why is `revoked`, `forbidden`, `token` or `refused`.
   */
  constructor({ token, warehouse, on }) {
    this.#token = token;
    this.#warehouse = warehouse;
    this.#on = on;
  }

  start() {
    this.#connect();
  }

  /** Ends everything, quietly. */
  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
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
    } else if (attempt.live) {
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
    const attempt = { live: false, splice: new Splice(), abort: new AbortController(), since: Date.now() };
    this.#attempt = attempt;
    const current = () => attempt === this.#attempt;
    attempt.channel = new Channel(socketAddress(this.#token), (end) => this.#closed(attempt, end));
    try {
      await attempt.channel.opened;
      const joined = await attempt.channel.join(
        `warehouse:${this.#warehouse}`,
        // No tables named: all that are tracked, those too that the page has never heard of.
        {},
        (event, payload) => current() && this.#hear(attempt, event, payload),
      );
      const picture = await readPicture(this.#token, this.#warehouse, attempt.abort.signal);
      if (!current()) return;
      const waited =
        picture.incarnation === joined.incarnation && attempt.splice.begin(tickOf(joined.position), tickOf(picture.position));
      // Another history, or an older picture than the stream begins with: together they would have a hole.
      if (!waited) return this.#lost(attempt);
      this.#on.picture(picture);
      for (const frame of waited) this.#on.changes(frame, Splice.endsTick(frame));
      attempt.live = true;
      this.freshness.connected(Date.now(), picture.progress_seconds);
      this.#on.moved();
    } catch (error) {
      if (current()) this.#failed(attempt, error);
    }
  }

  #hear(attempt, event, payload) {
    this.look();
    switch (event) {
      case "changes":
        for (const frame of attempt.splice.offer(payload)) this.#on.changes(frame, Splice.endsTick(frame));
        if (attempt.splice.overflowing) this.#lost(attempt);
        // Half a tick is not current yet.
        if (Splice.endsTick(payload)) this.freshness.proven(Date.now());
        break;
      case "progress":
        this.freshness.proven(Date.now());
        break;
      case "revoked":
        this.#end("revoked", payload.hint);
        break;
      case "must_refetch":
      case "phx_error":
      case "phx_close":
        this.#lost(attempt);
        break;
    }
  }

  #failed(attempt, error) {
    if (TOKEN_CODES.has(error.code)) this.#end("token", error.message);
    else if (error.code === "forbidden") this.#end("forbidden", error.hint);
    else if (error instanceof Refusal && !error.passes) this.#end("refused", error.message);
    else this.#lost(attempt);
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

  #lost(attempt) {
    if (attempt !== this.#attempt || this.#stopped) return;
    this.#drop();
    if (attempt.live && Date.now() - attempt.since > SETTLED_MS) this.#backoff.reset();
    this.#timer = setTimeout(() => this.#connect(), this.#backoff.next());
  }

  #end(why, hint) {
    if (this.#stopped) return;
    this.stop();
    this.#on.ended(why, hint ?? "");
  }

  #drop() {
    const attempt = this.#attempt;
    this.#attempt = null;
    this.freshness.disconnected();
    attempt?.abort.abort();
    attempt?.channel.close();
    this.#on.moved();
  }
}
