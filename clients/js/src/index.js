// Floorcast for programs in JavaScript: see README.md.

export { FloorcastClient } from "./client.js";
export { IndexedDbStorage, MemoryStorage } from "./storage.js";
