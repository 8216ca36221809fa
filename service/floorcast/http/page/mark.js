// The mark in the corner: live, stale since, reconnecting. And what is said aloud: changes of the mark, machines going down.

import { byId, setText } from "./dom.js";
import { icon } from "./icons.js";
import { timeOfDay } from "./words.js";

const WORDS = {
  live: () => "Live",
  stale: (since) => `Stale since ${timeOfDay(since)}`,
  reconnecting: (since) => (since === null ? "Connecting…" : `Reconnecting since ${timeOfDay(since)}`),
};

export function drawMark({ state, since }) {
  const mark = byId("mark");
  const text = WORDS[state](since);
  document.body.dataset.mark = state;
  // Only on a change: the mark is a live region, and would be read out every second.
  if (mark.dataset.text === text) return;
  mark.dataset.text = text;
  mark.dataset.state = state;
  const words = document.createElement("span");
  words.textContent = text;
  mark.replaceChildren(icon(state), words);
}

let known = null; // ids of machines that were down at the last look; null before the first.

/** Says which machines went down or came back since the last call. The first call after forget() says nothing. */
export function announceDown(down, nameOf) {
  const now = new Map(down.map((machine) => [machine.id, machine]));
  if (known !== null) {
    const gone = down.filter(({ id }) => !known.has(id)).map(({ name, criticality }) => `Down: ${name}${criticality === "critical" ? ", critical" : ""}.`);
    const back = [...known].filter((id) => !now.has(id)).map((id) => nameOf(id)).filter(Boolean).map((name) => `No longer down: ${name}.`);
    if (gone.length || back.length) setText(byId("announcer"), [...gone, ...back].slice(0, 5).join(" "));
  }
  known = new Set(now.keys());
}

export function forgetDown() {
  known = null;
  setText(byId("announcer"), "");
}
