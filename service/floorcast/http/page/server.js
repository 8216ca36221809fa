// The addresses of the server that this page came from.

/** The server refused. `status` is HTTP's, `code` and `hint` those of docs/protocol.md; status 0: it was not reached. */
export class Refusal extends Error {
  constructor(status, { code = "unreachable", title = "The server cannot be reached.", hint = "" } = {}) {
    super(title);
    this.status = status;
    this.code = code;
    this.hint = hint;
  }

  /** Whether the same request may succeed by itself later. */
  get passes() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

async function read(path, token, signal) {
  let response;
  try {
    response = await fetch(path, { headers: { authorization: `Bearer ${token}` }, cache: "no-store", signal });
    if (response.ok) return await response.json();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refusal(0);
  }
  throw new Refusal(response.status, await response.json().catch(() => ({ title: response.statusText })));
}

/** The warehouses that the token opens: [{id, name, location, role}]. */
export async function readWarehouses(token, signal) {
  return (await read("/v1/warehouses", token, signal)).warehouses;
}

/** The first picture of a warehouse. */
export function readPicture(token, warehouse, signal) {
  return read(`/v1/picture?warehouse=${encodeURIComponent(warehouse)}`, token, signal);
}

/** Where the socket is. A browser can put a token only into the address. */
export function socketAddress(token) {
  const address = new URL("/realtime/v1/websocket", location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  address.searchParams.set("vsn", "2.0.0");
  address.searchParams.set("apikey", token);
  return address.href;
}
