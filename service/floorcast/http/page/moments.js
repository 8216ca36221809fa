// Moments and intervals as Postgres writes them; moments to the microsecond: what one transaction did lies closer together than a Date can tell.

/** Microseconds since 1970; exact until the year 2255. NaN for what is no moment. */
export function microseconds(text) {
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? "";
  return Math.floor(Date.parse(text)) * 1000 + Number(fraction.padEnd(6, "0").slice(3, 6));
}

const UNIT_MS = { year: 365.25 * 86_400_000, mon: 30 * 86_400_000, day: 86_400_000 };

/** Milliseconds of an interval as Postgres writes it, `1 mon 2 days 03:04:05.6`; a month has thirty days. 0 for none. */
export function milliseconds(interval) {
  const text = String(interval ?? "");
  let sum = 0;
  for (const [, count, unit] of text.matchAll(/([+-]?\d+) (year|mon|day)s?/g)) sum += Number(count) * UNIT_MS[unit];
  const clock = /([+-]?)(\d+):(\d+):(\d+(?:\.\d+)?)$/.exec(text);
  if (!clock) return sum;
  const [, sign, hours, minutes, seconds] = clock;
  return sum + (sign === "-" ? -1 : 1) * ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
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
