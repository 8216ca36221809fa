// The addresses of the server that this page came from.

/** The server refused. `status` is HTTP's, `code` and `hint` those of docs/protocol.md; status 0: it was not reached. */
export class Refusal extends Error {
  constructor(status, { code = "unreachable", title = "The server cannot be reached.", hint = "" } = {}) {
    super(title);
    this.status = status;
    this.code = code;
    this.hint = hint;
  }
}

/** {warehouses, progress_seconds}: those that the token opens as {id, name, location, role}, and how often progress is told. */
export async function readWarehouses(token) {
  let response;
  try {
    response = await fetch("/v1/warehouses", { headers: { authorization: `Bearer ${token}` }, cache: "no-store" });
    if (response.ok) return await response.json();
  } catch {
    throw new Refusal(0);
  }
  throw new Refusal(response.status, await response.json().catch(() => ({ title: response.statusText })));
}
