// The page: who looks, at which warehouse, and what is on the screen meanwhile.
//
// Read in this order: follower.js (how data comes), store.js (what becomes of it), board.js (what one sees).

import { Board } from "./board.js";
import { byId, element, setText } from "./dom.js";
import { Follower } from "./follower.js";
import { drawMark } from "./mark.js";
import { wireBell } from "./notifications.js";
import { readWarehouses } from "./server.js";
import { currentToken, forgetToken, keepToken, lastWarehouse, rememberWarehouse } from "./session.js";

const LOOK_MS = 1_000;
const RETRY_MS = 3_000;

const board = new Board();
let token = null;
let progressSeconds = 5;
let follower = null;
let retry = null;

/** Shows one of the views `sign-in`, `notice`, `board`, or `starting` (none of them). */
function show(view) {
  document.body.dataset.view = view;
  for (const id of ["sign-in", "notice", "board"]) byId(id).hidden = id !== view;
  byId("mark").hidden = view !== "board";
  byId("bell").hidden = view !== "board";
  byId("sign-out").hidden = token === null;
}

function leave() {
  clearTimeout(retry);
  follower?.stop();
  follower = null;
  board.clear();
}

function signIn(problem = "") {
  leave();
  token = null;
  forgetToken();
  byId("pick").hidden = true;
  byId("warehouse").replaceChildren();
  setText(byId("sign-in-problem"), problem);
  show("sign-in");
  byId("token").value = "";
  byId("token").focus();
}

function notify(title, text) {
  setText(byId("notice-title"), title);
  setText(byId("notice-text"), text);
  show("notice");
  byId("notice-title").focus();
}

/** Asks which warehouses there are and goes to the last one seen, or the first. */
async function enter() {
  leave();
  show("starting");
  const asked = token;
  let found;
  try {
    found = await readWarehouses(token);
  } catch (error) {
    if (token !== asked) return;
    if (error.status === 401 || error.status === 403) return signIn(`${error.message} ${error.hint}`);
    notify("The server does not answer", `${error.message} It is asked again every few seconds.`);
    retry = setTimeout(enter, RETRY_MS);
    return;
  }
  // Somebody may have signed out, or in as another, while the answer was on its way.
  if (token !== asked) return;
  const { warehouses } = found;
  progressSeconds = found.progress_seconds;
  offer(warehouses);
  if (warehouses.length === 0) return notify("No warehouse to show", "This token opens no warehouse. Access can be granted at any time.");
  const last = warehouses.find(({ id }) => id === lastWarehouse());
  follow((last ?? warehouses[0]).id);
}

function offer(warehouses) {
  byId("pick").hidden = warehouses.length === 0;
  byId("warehouse").replaceChildren(...warehouses.map(({ id, name }) => element("option", { value: id }, name)));
}

function follow(warehouse) {
  leave();
  byId("warehouse").value = warehouse;
  show("board");
  follower = new Follower({
    token,
    warehouse,
    progressSeconds,
    on: {
      picture: (picture) => board.picture(picture),
      changes: (step) => board.changes(step),
      moved: () => follower && drawMark(follower.mark),
      ended,
    },
  });
  drawMark(follower.mark);
  follower.start();
}

function ended(why, hint) {
  const name = byId("warehouse").selectedOptions[0]?.textContent ?? "this warehouse";
  leave();
  if (why === "token") return signIn(`${hint || "The token is no longer accepted."} Sign in again.`);
  if (why === "revoked") return notify(`Access to ${name} was withdrawn`, "What was shown here has been removed from this screen.");
  if (why === "forbidden") return notify(`No access to ${name}`, hint);
  notify("The server refused", hint);
}

byId("sign-in-form").addEventListener("submit", (event) => {
  event.preventDefault();
  token = byId("token").value.trim();
  if (!token) return;
  keepToken(token);
  enter();
});
byId("sign-out").addEventListener("click", () => signIn());
byId("notice-again").addEventListener("click", () => enter());
byId("warehouse").addEventListener("change", (event) => {
  // Only what somebody chose is remembered, not what was shown in its place.
  rememberWarehouse(event.target.value);
  follow(event.target.value);
});
wireBell();

// The address may be given another token while the page is open.
addEventListener("hashchange", start);

setInterval(() => {
  if (!follower) return;
  drawMark(follower.mark);
  board.draw();
}, LOOK_MS);

function start() {
  const given = currentToken();
  if (given === null) return signIn();
  if (given === token) return;
  token = given;
  enter();
}

start();
