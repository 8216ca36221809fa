// Moments and intervals as Postgres writes them; moments to the microsecond: what one transaction did lies closer together than a Date can tell.

/** Microseconds since 1970; exact until the year 2255. NaN for what is no moment. */
export function microseconds(text) {
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? "";
  return Math.floor(Date.parse(text)) * 1000 + Number(fraction.padEnd(6, "0").slice(3, 6));
}

const DAY_MS = 86_400_000;
const UNIT_MS = { Y: 365.25 * DAY_MS, M: 30 * DAY_MS, D: DAY_MS, TH: 3_600_000, TM: 60_000, TS: 1000 };

/** Milliseconds of an interval as rows have it, ISO 8601 with signs: `P1M2DT3H4M5.6S`; a month has thirty days. 0 for none. */
export function milliseconds(interval) {
  const [date, time = ""] = String(interval ?? "").split("T");
  const sum = (text, prefix) =>
    [...text.matchAll(/([+-]?[\d.]+)([YMDHS])/g)].reduce((total, [, count, unit]) => total + Number(count) * UNIT_MS[prefix + unit], 0);
  return sum(date, "") + sum(time, "T");
}

/** When what is due is really due: the end of the blackout that it lies in, if that has one; milliseconds. */
export function after(ranges, moment) {
  const end = blackoutEnd(ranges, moment);
  return end === null || end === Infinity ? moment : end;
}

/** The end of the blackout that a moment lies in (Infinity: it has none), or null. `ranges` is a tstzmultirange as text. */
export function blackoutEnd(ranges, moment) {
  for (const [, from, until] of String(ranges ?? "").matchAll(/[[(]"?([^",]*)"?,"?([^",\])]*)"?[\])]/g)) {
    const begin = from ? bound(from) : -Infinity;
    const end = until ? bound(until) : Infinity;
    if (begin <= moment && moment < end) return end;
  }
  return null;
}

/** `2026-11-20 00:00:00+00`: a moment inside a range is not written as JSON writes moments. */
function bound(text) {
  if (text.endsWith("infinity")) return text.startsWith("-") ? -Infinity : Infinity;
  return Date.parse(text.replace(" ", "T").replace(/([+-]\d\d)$/, "$1:00"));
}
