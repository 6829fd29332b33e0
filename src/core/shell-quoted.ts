/** Single quotes: within them a POSIX shell interprets nothing at all. */
export function shellQuoted(text: string): string {
  return /^[A-Za-z0-9_./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
