// A small Phoenix Channels client, vsn 2.0.0: one socket, joins, requests with replies, a heartbeat. It does not reconnect: a
// closed channel is thrown away, and whoever used it makes another.
//
// Frames are JSON arrays: [join_ref, ref, topic, event, payload].

const REPLY_MS = 10_000;
const JOIN_MS = 60_000; // A picture is read before a join is answered; that the server is there, the heartbeat says.
const HEARTBEAT_MS = 20_000;

/** The server refused, or did not answer. `code` is one of the codes in docs/protocol.md, or `timeout` or `closed`. */
export class ChannelError extends Error {
  constructor(code, response = {}) {
    super(response.reason ?? code);
    this.code = code;
    this.hint = response.hint ?? "";
    this.againInMs = response.retry_after_ms ?? null;
  }
}

export class Channel {
  #socket;
  #ref = 0;
  #pending = new Map(); // ref → {resolve, reject, timer}
  #topics = new Map(); // topic → {joinRef, onEvent, isAnswered}
  #heartbeat;
  #onClose;
  #onSocket;

  /**
   * Opens at once. `onClose({code, reason, opened})` is called exactly once, unless close() comes first; `onSocket(event,
   * payload)` gets what is said of the socket itself.
   */
  constructor(url, onClose, onSocket) {
    this.#onClose = onClose;
    this.#onSocket = onSocket;
    this.#socket = new WebSocket(url);
    let wasOpened = false;
    this.opened = new Promise((resolve) => {
      this.#socket.onopen = () => {
        wasOpened = true;
        this.#heartbeat = setInterval(() => this.beat().catch(() => this.#end(4000, "no heartbeat", true)), HEARTBEAT_MS);
        resolve();
      };
    });
    this.#socket.onmessage = (message) => this.#receive(JSON.parse(message.data));
    this.#socket.onclose = ({ code, reason }) => this.#end(code, reason, wasOpened);
  }

  /** Joins, in place of an earlier joining of the topic; resolves with the reply's response. `onEvent(event, payload)` gets every push. */
  join(topic, payload, onEvent) {
    const joinRef = String(++this.#ref);
    this.#topics.set(topic, { joinRef, onEvent, isAnswered: false });
    return this.#request(joinRef, joinRef, topic, "phx_join", payload, JOIN_MS);
  }

  /** Passes over whatever still comes of a topic. */
  forget(topic) {
    this.#topics.delete(topic);
  }

  /** Asks for a sign of life; resolves when it comes. Everything pushed afterwards was sent after it. */
  beat(within = REPLY_MS) {
    return this.#request(null, String(++this.#ref), "phoenix", "heartbeat", {}, within);
  }

  /** Closes without telling onClose. */
  close() {
    this.#onClose = () => {};
    this.#end(1000, "closed", true);
  }

  #request(joinRef, ref, topic, event, payload, within) {
    return new Promise((resolve, reject) => {
      if (this.#socket.readyState !== WebSocket.OPEN) return reject(new ChannelError("closed"));
      const timer = setTimeout(() => {
        this.#pending.delete(ref);
        reject(new ChannelError("timeout"));
      }, within);
      this.#pending.set(ref, { resolve, reject, timer });
      this.#socket.send(JSON.stringify([joinRef, ref, topic, event, payload]));
    });
  }

  #receive([joinRef, ref, topic, event, payload]) {
    if (event === "phx_reply") return this.#reply(ref, payload);
    if (topic === "phoenix") return this.#onSocket(event, payload);
    const joined = this.#topics.get(topic);
    // What names another joining of the topic, or comes before this one is answered, is a late word of one that is over.
    if (joined?.isAnswered && (joinRef === null || joinRef === joined.joinRef)) joined.onEvent(event, payload);
  }

  #reply(ref, { status, response }) {
    const waiting = this.#pending.get(ref);
    if (!waiting) return;
    this.#pending.delete(ref);
    clearTimeout(waiting.timer);
    for (const joined of this.#topics.values()) if (joined.joinRef === ref) joined.isAnswered = status === "ok";
    if (status === "ok") waiting.resolve(response);
    else waiting.reject(new ChannelError(response?.code ?? "refused", response));
  }

  #end(code, reason, opened) {
    clearInterval(this.#heartbeat);
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(new ChannelError("closed"));
    }
    this.#pending.clear();
    const tell = this.#onClose;
    this.#onClose = () => {};
    tell({ code, reason, opened });
  }
}
