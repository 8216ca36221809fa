// Who looks: a token that arrives in the address (#token=…) or is typed in. It lives as long as the tab, and leaves the address
// at once, so that nobody copies it along with a link.

const TOKEN = "floorcast.token";
const WAREHOUSE = "floorcast.warehouse";

/** Takes a token out of the address, if there is one, and returns the tab's token or null. */
export function currentToken() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const given = fragment.get("token");
  if (given) {
    history.replaceState(null, "", location.pathname + location.search);
    keepToken(given);
  }
  return given || sessionStorage.getItem(TOKEN);
}

export function keepToken(token) {
  sessionStorage.setItem(TOKEN, token);
}

export function forgetToken() {
  sessionStorage.removeItem(TOKEN);
}

/** The warehouse that was looked at last on this device, or null. */
export function lastWarehouse() {
  return localStorage.getItem(WAREHOUSE);
}

export function rememberWarehouse(id) {
  localStorage.setItem(WAREHOUSE, id);
}
