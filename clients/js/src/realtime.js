// The plug-in for @supabase/realtime-js: channels go on after a loss where they were, with the package as it is. It looks at the
// frames that pass through the socket: what a join was answered and what each change says of its position is kept, and the next
// join of the topic is sent with `config.resume`. Against a server that names no positions it does nothing.

const MOST_TOPICS = 1_000;

/**
 * Options for `new RealtimeClient(url, resuming({…}))`, or for supabase-js: `createClient(url, key, { realtime: resuming() })`.
 * Wraps the `transport` that the options name, else the platform's WebSocket.
 */
export function resuming(options = {}) {
  const Transport = options.transport ?? globalThis.WebSocket;
  if (!Transport) throw new Error("There is no WebSocket here: give the options a `transport`.");
  const positions = new Positions();
  return {
    ...options,
    transport: class extends Transport {
      #line = new Line(positions);

      constructor(...address) {
        super(...address);
        // Before anything that the client listens with: what it has been told is recorded when it is told.
        this.addEventListener("message", ({ data }) => {
          if (CONCERNS.test(data)) this.#line.received(read(data));
        });
      }

      send(data) {
        super.send(SENT.test(data) ? write(this.#line.sent(read(data))) : data);
      }
    },
  };
}

// So that only frames which may concern us are parsed twice. On what is no text these are false, or find no joining.
const SENT = /"phx_(?:join|leave)"/;
const CONCERNS = /"(?:phx_(?:reply|error|close)|postgres_changes)"/;

/** {ref, topic, event, payload, frame} of a frame of either version: an array of five is vsn 2.0.0. */
function read(text) {
  const frame = JSON.parse(text);
  if (!Array.isArray(frame)) return { ...frame, frame };
  const [, ref, topic, event, payload] = frame;
  return { ref, topic, event, payload, frame };
}

function write({ payload, frame }) {
  return JSON.stringify(Array.isArray(frame) ? [...frame.slice(0, 4), payload] : { ...frame, payload });
}

/** Where each topic stands, across sockets: topic → {bindings, incarnation, position}. Bounded: the oldest is forgotten. */
class Positions {
  #kept = new Map();

  /** What is kept of a topic; only for the same bindings, since with others something else was missed. */
  find(topic, bindings) {
    const kept = this.#kept.get(topic);
    return kept?.bindings === bindings ? kept : null;
  }

  keep(topic, standing) {
    this.#kept.delete(topic);
    this.#kept.set(topic, standing);
    if (this.#kept.size > MOST_TOPICS) this.#kept.delete(this.#kept.keys().next().value);
  }

  forget(topic) {
    this.#kept.delete(topic);
  }
}

/** What one socket has joined. */
class Line {
  #positions;
  #joinings = new Map(); // topic → {ref, bindings, isSplit, incarnation: null until it is answered, held}

  constructor(positions) {
    this.#positions = positions;
  }

  /** Takes a message that is about to be sent; returns the one to send in its place. */
  sent(message) {
    const { ref, topic, event, payload } = message;
    if (event === "phx_leave") this.#left(topic);
    const asked = payload?.config?.postgres_changes;
    if (event !== "phx_join" || !Array.isArray(asked) || asked.length === 0) return message;
    const bindings = JSON.stringify(asked);
    const isSplit = new Set(asked.map(({ select }) => JSON.stringify(select))).size > 1;
    this.#joinings.set(topic, { ref: String(ref), bindings, isSplit, incarnation: null, held: null });
    const kept = this.#positions.find(topic, bindings);
    if (!kept || payload.config.resume) return message;
    const resume = `${kept.incarnation}/${kept.position}`;
    return { ...message, payload: { ...payload, config: { ...payload.config, resume } } };
  }

  /** Takes a message that came. */
  received({ ref, topic, event, payload }) {
    const joining = this.#joinings.get(topic);
    if (!joining) return;
    const isOfJoin = String(ref) === joining.ref;
    if (event === "phx_reply" && isOfJoin) this.#answered(topic, joining, payload);
    // It has ended, and comes again behind what it was told. What ends an earlier one is late.
    else if ((event === "phx_error" || event === "phx_close") && isOfJoin) this.#joinings.delete(topic);
    // Until the join is answered the client passes over changes: they are those of a joining that it gave up.
    else if (event === "postgres_changes" && joining.incarnation !== null) this.#told(topic, joining, payload?.data?.position);
  }

  #answered(topic, joining, { status, response }) {
    if (status !== "ok" || !response?.position || !response.incarnation) return void this.#joinings.delete(topic);
    joining.incarnation = response.incarnation;
    this.#keep(topic, joining, response.position);
  }

  #told(topic, joining, position) {
    if (!position) return;
    // Bindings that select different columns get a message each of one change, and the line may break between them: better one
    // change again than half of it never.
    if (!joining.isSplit) return this.#keep(topic, joining, position);
    if (joining.held !== null && joining.held !== position) this.#keep(topic, joining, joining.held);
    joining.held = position;
  }

  #keep(topic, { bindings, incarnation }, position) {
    this.#positions.keep(topic, { bindings, incarnation, position });
  }

  #left(topic) {
    // Clients also leave what was not answered in time, or has ended, to join it again: that goes on.
    if (this.#joinings.get(topic)?.incarnation) this.#positions.forget(topic);
    this.#joinings.delete(topic);
  }
}
