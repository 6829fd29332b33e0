/** Throws a TypeError for an option of another name: it would be no option, and what it asks for would not be done. */
export function requireOptions(options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new TypeError(`there is no option named ${JSON.stringify(unknown)}, only ${known.join(", ")}`);
}
