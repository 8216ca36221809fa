// One socket for any number of warehouses: the token, the waits, and what sleep and networks do to it.

import { MemoryStorage, Sheltered } from "./storage.js";
import { WarehouseView } from "./view.js";
import { joinWait, lossWait } from "./waits.js";

const HEARTBEAT_MS = 20_000;
const JOIN_MS = 60_000; // A picture is read before a join is answered; that the server is there, the heartbeat says.
const LOOK_MS = 1_000;
const SLEEP_MS = 3_000; // A timer of one second that is so late was not late: the device slept.
const PROBE_MS = 4_000;

const TOKEN_CLOSES = new Set([4501, 4502]);
const TOKEN_EXPIRED = 4401;

export class Client {
  #socket;
  #isOpen = false;
  #fetchToken;
  #token = null;
  #user = null;
  #options;
  #random;
  #views = new Set();
  #starting = null; // A promise: the first token is there.
  #isClosed = false;
  #askedToWait = null; // Milliseconds that the server asked for before the next joining.
  #timer = null;
  #lookedAt = 0;
  #probing = null; // The timer of a question that is not answered yet.
  #unlisten = [];

  /**
   * `Socket` is the class of the phoenix package; `url` where a gateway is, as https://host or wss://host; `token` a text, or a
   * function that returns one or a promise of one: it is asked before the socket is opened, when the token ends, and after each
   * loss.
   */
  constructor(Socket, { url, token, storage = new MemoryStorage(), progressSeconds = 5, transport, random = Math.random }) {
    this.#fetchToken = typeof token === "function" ? token : null;
    if (!this.#fetchToken) this.#take(token);
    const sheltered = new Sheltered(storage, (reason) => {
      for (const view of this.#views) view.unkept(reason);
    });
    this.#options = { url: url.replace(/^http/, "ws").replace(/\/$/, ""), storage: sheltered, progressSeconds };
    this.#random = random;
    this.#socket = new Socket(`${this.#options.url}/realtime/v1`, {
      ...(transport && { transport }),
      params: () => ({ apikey: this.#token }),
      timeout: JOIN_MS,
      heartbeatIntervalMs: HEARTBEAT_MS,
      reconnectAfterMs: (tries) => {
        this.#renew().catch(() => {}); // Asked again after the next loss.
        return lossWait(tries, this.#random());
      },
      rejoinAfterMs: (tries) => this.#waitAsked(tries),
    });
    this.#socket.onMessage(({ topic, event, payload }) => topic === "phoenix" && this.#told(event, payload));
    this.#socket.onOpen(() => {
      this.#isOpen = true;
    });
    this.#socket.onClose(({ code, reason }) => this.#lost(code, reason));
  }

  /**
   * Follows a warehouse; `asked` are members of a join: tables, where, columns, recent, history, slow; or a function that gives
   * them for what there is, table → columns of its key. `options.rows` holds the rows in place of a Rows: see rows.js.
   * `options.mostChanges`: a tick of more than so many is not collected, a picture is read in its place.
   */
  follow(warehouse, asked = {}, options = {}) {
    if (this.#isClosed) throw new Error("This client is closed.");
    this.#starting ??= this.#start();
    const view = new WarehouseView(this.#line(), warehouse, asked, options);
    this.#views.add(view);
    return view;
  }

  /** Something suggests that the network is back, or that the device slept: find out at once. */
  nudge() {
    if (this.#isClosed || !this.#starting) return;
    if (this.#socket.isConnected()) this.#probe();
    else if (this.#socket.connectionState() === "closed") this.#reconnect();
  }

  /** Ends every view; what they keep stays, unless it is to be forgotten, as when somebody signs out. */
  async close({ forget = false } = {}) {
    this.#isClosed = true;
    this.#forgetProbe();
    clearInterval(this.#timer);
    for (const unlisten of this.#unlisten) unlisten();
    await Promise.all([...this.#views].map((view) => view.close({ forget })));
    this.#socket.disconnect();
  }

  /** What a view needs of us. */
  #line() {
    const { storage, progressSeconds, url } = this.#options;
    return {
      storage,
      progressSeconds,
      ready: this.#starting,
      // Of one person: what another saw must not be shown to him.
      name: () => `${url} ${this.#user}`,
      token: () => this.#token,
      // Whether another token can be had when this one ends.
      isRenewed: this.#fetchToken !== null,
      look: () => this.#look(),
      wait: (tries) => this.#waitAsked(tries),
      channel: (topic, payload) => this.#channel(topic, payload),
      forget: (view) => this.#views.delete(view),
    };
  }

  #waitAsked(tries) {
    const asked = this.#askedToWait;
    this.#askedToWait = null;
    return asked ?? joinWait(tries, this.#random());
  }

  #channel(topic, payload) {
    const channel = this.#socket.channel(topic, payload);
    // Phoenix asks how long to wait while it handles the refusal; here is heard before that what the refusal says of it.
    channel.onMessage = (event, answer) => {
      if (event === "phx_reply") this.#askedToWait = answer?.response?.retry_after_ms ?? null;
      return answer;
    };
    return channel;
  }

  async #start() {
    for (let tries = 1; this.#token === null; tries += 1) {
      await this.#renew().catch(() => new Promise((resolve) => setTimeout(resolve, lossWait(tries, this.#random()))));
      if (this.#isClosed) return;
    }
    this.#socket.connect();
    this.#lookedAt = Date.now();
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#listen(globalThis, "online", () => this.nudge());
    this.#listen(globalThis, "offline", () => this.nudge());
    this.#listen(globalThis, "pageshow", () => this.nudge());
    this.#listen(globalThis, "pagehide", () => this.#save());
    this.#listen(globalThis.document, "visibilitychange", () => {
      if (globalThis.document.visibilityState === "hidden") this.#save();
      else this.nudge();
    });
  }

  #listen(target, event, listener) {
    if (!target?.addEventListener) return;
    target.addEventListener(event, listener);
    this.#unlisten.push(() => target.removeEventListener(event, listener));
  }

  #save() {
    for (const view of this.#views) view.save();
  }

  #look(now = Date.now()) {
    const gap = now - this.#lookedAt;
    this.#lookedAt = now;
    // A clock that was set back is as suspicious as one that ran ahead.
    if (Math.abs(gap) > SLEEP_MS) this.nudge();
    for (const view of [...this.#views]) view.look(now);
  }

  /** After a sleep the line may be dead and not know it; what still arrives may be old. */
  #probe() {
    if (this.#probing !== null) return;
    for (const view of this.#views) view.doubt();
    this.#probing = setTimeout(() => this.#reconnect(), PROBE_MS);
    this.#socket.ping(() => {
      this.#forgetProbe();
      for (const view of this.#views) view.trust();
    });
  }

  #forgetProbe() {
    clearTimeout(this.#probing);
    this.#probing = null;
  }

  #reconnect() {
    this.#forgetProbe();
    if (this.#isClosed) return;
    this.#socket.disconnect();
    this.#socket.connect();
  }

  #told(event, payload) {
    if (event === "token_expiring") this.#renew().catch(() => {}); // The socket will close, and it is asked again.
    // The server spreads those who have to go by itself.
    else if (event === "draining") setTimeout(() => this.#reconnect(), payload.after_ms);
  }

  #lost(code, reason) {
    const wasOpen = this.#isOpen;
    this.#isOpen = false;
    this.#forgetProbe();
    if (TOKEN_CLOSES.has(code) || (code === TOKEN_EXPIRED && !this.#fetchToken)) this.#end("token", reason);
    else if (code >= 4500 && code < 5000) this.#end("refused", reason);
    else if (!wasOpen && !this.#fetchToken) this.#askWhy();
  }

  /** A browser does not say why a handshake failed. If the token is why, trying on would be in vain. */
  async #askWhy() {
    try {
      const headers = { authorization: `Bearer ${this.#token}` };
      const answer = await fetch(`${this.#options.url.replace(/^ws/, "http")}/v1/warehouses`, { headers, cache: "no-store" });
      if (answer.status === 401 && !this.#isClosed) this.#end("token", (await answer.json()).title ?? "");
    } catch {
      // It cannot be reached, or may not be asked from here.
    }
  }

  #end(why, hint) {
    this.#socket.disconnect();
    for (const view of [...this.#views]) view.end(why, hint);
  }

  async #renew() {
    if (!this.#fetchToken) return;
    const token = await this.#fetchToken();
    if (token === this.#token) return;
    this.#take(token);
    for (const view of this.#views) view.renew(token);
  }

  #take(token) {
    this.#token = token;
    this.#user = userOf(token);
  }
}

/** Whose token it is; not verified, since it only names what this device keeps. */
function userOf(token) {
  const body = token.split(".")[1]?.replaceAll("-", "+").replaceAll("_", "/");
  try {
    return JSON.parse(atob(body)).sub ?? null;
  } catch {
    return null;
  }
}
