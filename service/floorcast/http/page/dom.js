// Elements. Text is only ever set as text: whatever somebody typed into a work order stays words.

/** element("li", {class: "tile", hidden: true}, child, "text", …); null children and null attributes are left out. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    made.setAttribute(attribute, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

export function byId(id) {
  return document.getElementById(id);
}

/** Sets text only if it differs: a screen reader would read it again. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

const drawnKeys = new WeakMap(); // list element → Map(key → {item, version})

/**
 * Makes a list show `rows`, [{key, version, draw}], in this order. An item is drawn again only when its version differs; items
 * that stay are moved, not replaced, so that focus, selection and animations survive.
 */
export function showRows(list, rows) {
  const before = drawnKeys.get(list) ?? new Map();
  const after = new Map();
  let place = list.firstChild;
  for (const { key, version, draw } of rows) {
    const known = before.get(key);
    let item = known?.item;
    if (!known || known.version !== version) {
      const drawn = draw();
      if (item) {
        if (place === item) place = drawn;
        item.replaceWith(drawn);
      }
      item = drawn;
    }
    after.set(key, { item, version });
    if (item === place) place = place.nextSibling;
    else list.insertBefore(item, place);
  }
  const kept = new Set([...after.values()].map(({ item }) => item));
  for (const child of [...list.children]) if (!kept.has(child)) child.remove();
  drawnKeys.set(list, after);
}
