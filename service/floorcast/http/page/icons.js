// Shapes that say a status without its colour. Drawn as paths on 24 × 24; decoration for screen readers, who get the word.

const PATHS = {
  down: "M7.8 2h8.4L22 7.8v8.4L16.2 22H7.8L2 16.2V7.8zM8 8l8 8M16 8l-8 8",
  degraded: "M12 3 22 20.5H2zM12 10v5M12 17.6v.4",
  in_maintenance: "M14.5 6.5a4.5 4.5 0 0 1 6-4.2L17.6 5.2l1.3 2.9 2.9.3a4.5 4.5 0 0 1-6.5 3.3L6.5 20.5a2.3 2.3 0 0 1-3.2-3.2l8.8-8.8a4.5 4.5 0 0 1 2.4-2z",
  operational: "M12 2a10 10 0 1 1 0 20 10 10 0 0 1 0-20zM7 12.5l3.5 3.5L17 9",
  standby: "M12 2a10 10 0 1 1 0 20 10 10 0 0 1 0-20zM9.5 8v8M14.5 8v8",
  live: "M12 9a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM6.3 17.7a8 8 0 0 1 0-11.4M17.7 6.3a8 8 0 0 1 0 11.4",
  stale: "M12 3 22 20.5H2zM12 10v5M12 17.6v.4",
  bell: "M6 17v-6a6 6 0 0 1 12 0v6l2 2H4zM10 21.5h4M12 5V2.5",
  reconnecting: "M20 5v5h-5M4 19v-5h5M5.5 9a7.5 7.5 0 0 1 13-2L20 10M18.5 15a7.5 7.5 0 0 1-13 2L4 14",
};

const SVG = "http://www.w3.org/2000/svg";

/** An icon by status; an empty circle for one that is not known here. */
export function icon(name) {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("class", "icon");
  drawing.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name] ?? "M12 2a10 10 0 1 1 0 20 10 10 0 0 1 0-20z");
  drawing.append(path);
  return drawing;
}
