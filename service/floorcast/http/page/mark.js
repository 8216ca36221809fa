// The mark in the corner: live, stale since, reconnecting.

import { byId } from "./dom.js";
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
