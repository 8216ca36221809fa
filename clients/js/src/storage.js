// Where a view is kept while nobody looks: rows and cursor as one, since either alone is worth nothing.

const ANSWER_MS = 3_000;

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
    this.#database ??= this.#open();
    const transaction = (await this.#database).transaction("views", mode);
    const request = ask(transaction.objectStore("views"));
    transaction.commit(); // One that waits for more is given up with the page.
    // What is written is kept when the transaction is, not before: a full disk shows only then.
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error ?? request.error);
    });
  }

  #open() {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open(this.#name, 1);
      request.onupgradeneeded = () => request.result.createObjectStore("views");
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const database = request.result;
        const reopen = () => {
          this.#database = null;
        };
        database.onclose = reopen;
        // Somebody deletes it: an open one would keep him waiting.
        database.onversionchange = () => {
          database.close();
          reopen();
        };
        resolve(database);
      };
    });
  }
}

/** A storage, and memory in its place from its first failure on; `say(reason)` is called then, once. */
export class Sheltered {
  #storage;
  #memory = null;
  #say;

  constructor(storage, say) {
    this.#storage = storage;
    this.#say = say;
  }

  load(name) {
    return this.#run("load", name);
  }

  save(name, kept) {
    return this.#run("save", name, kept);
  }

  /** Also from a storage that failed: what is to be forgotten may be in it. */
  async forget(name) {
    if (this.#memory) this.#try("forget", name).catch(() => {});
    await this.#run("forget", name);
  }

  async #run(what, name, kept) {
    if (!this.#memory) {
      try {
        return await this.#try(what, name, kept);
      } catch (error) {
        if (!this.#memory) this.#say(String(error));
        this.#memory ??= new MemoryStorage();
      }
    }
    return this.#memory[what](name, kept);
  }

  /** One that does not answer has failed: nothing may wait for it. */
  #try(what, name, kept) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("The storage does not answer.")), ANSWER_MS);
      Promise.resolve()
        .then(() => this.#storage[what](name, kept))
        .then(resolve, reject)
        .finally(() => clearTimeout(timer));
    });
  }
}
