// Floorcast for programs in JavaScript: see README.md.

import { Socket } from "phoenix";

import { Client } from "./client.js";

export { IndexedDbStorage, MemoryStorage } from "./storage.js";

/** See client.js; the socket is that of the phoenix package. */
export class FloorcastClient extends Client {
  constructor(options) {
    super(Socket, options);
  }
}
