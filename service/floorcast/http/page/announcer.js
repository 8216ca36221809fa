// What is said aloud, politely: machines that go down or come back, and notifications that arrive. Nothing of the first look.

import { byId, setText } from "./dom.js";

const MOST_SENTENCES = 5;

export class Announcer {
  #down = null; // ids of machines that were down at the last look; null before the first.
  #unread = null; // ids of notifications that were unread then.

  /** Says what is new since the last look. */
  look(down, unread, nameOf) {
    const sentences = [...this.#downSentences(down, nameOf), ...this.#notificationSentences(unread)];
    if (sentences.length) setText(byId("announcer"), sentences.slice(0, MOST_SENTENCES).join(" "));
    this.#down = new Set(down.map(({ id }) => id));
    this.#unread = new Set(unread.map(({ id }) => id));
  }

  /** The next look is the first again. */
  forget() {
    this.#down = this.#unread = null;
    setText(byId("announcer"), "");
  }

  #downSentences(down, nameOf) {
    if (this.#down === null) return [];
    const now = new Set(down.map(({ id }) => id));
    const gone = down.filter(({ id }) => !this.#down.has(id)).map(({ name, criticality }) => `Down: ${name}${criticality === "critical" ? ", critical" : ""}.`);
    const back = [...this.#down].filter((id) => !now.has(id)).map((id) => nameOf(id)).filter(Boolean).map((name) => `No longer down: ${name}.`);
    return [...gone, ...back];
  }

  #notificationSentences(unread) {
    if (this.#unread === null) return [];
    return unread.filter(({ id }) => !this.#unread.has(id)).map(({ title }) => `Notification: ${title}.`);
  }
}
