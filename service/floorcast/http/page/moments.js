// Moments as Postgres writes them, to the microsecond: what one transaction did lies closer together than a Date can tell.

/** Microseconds since 1970; exact until the year 2255. NaN for what is no moment. */
export function microseconds(text) {
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? "";
  return Math.floor(Date.parse(text)) * 1000 + Number(fraction.padEnd(6, "0").slice(3, 6));
}
