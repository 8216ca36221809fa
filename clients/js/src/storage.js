// Where a view is kept while nobody looks: rows and cursor as one, since either alone is worth nothing.

/** As long as the program lives: for views that are closed and opened again. */
export class MemoryStorage {
  #kept = new Map();

  async load(name) {
    return this.#kept.get(name);
  }

  async save(name, kept) {
    this.#kept.set(name, kept);
  }

  async forget(name) {
    this.#kept.delete(name);
  }
}

/** In the browser, across reloads. What it holds, whoever uses this device's browser profile can read. */
export class IndexedDbStorage {
  #name;
  #database = null; // A promise

  constructor(name = "floorcast") {
    this.#name = name;
  }

  load(name) {
    return this.#run("readonly", (views) => views.get(name));
  }

  async save(name, kept) {
    await this.#run("readwrite", (views) => views.put(kept, name));
  }

  async forget(name) {
    await this.#run("readwrite", (views) => views.delete(name));
  }

  async #run(mode, ask) {
    this.#database ??= promised(this.#open());
    const transaction = (await this.#database).transaction("views", mode);
    return promised(ask(transaction.objectStore("views")));
  }

  #open() {
    const request = indexedDB.open(this.#name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore("views");
    return request;
  }
}

function promised(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
