/** `warning`: works with limits; `skipped`: could not be checked, and `text` says why. */
export type CheckOutcome = "passed" | "warning" | "failed" | "skipped";

/** A result of `check` or `doctor`. */
export interface Finding {
  /** Stable, such as `security.wrong-token`. The part before the dot is its group. */
  readonly id: string;
  readonly outcome: CheckOutcome;
  /** The result in one line. */
  readonly text: string;
  /** In order, each with its label: what was sent, what came back, why it matters. */
  readonly details?: Readonly<Record<string, string>>;
  readonly remedy?: string;
}

/** A finding as a check returns it: its id is that of the check unless it names another one. */
export type Found = Omit<Finding, "id"> & { readonly id?: string };

export type Details = Finding["details"];

export function passed(text = "", details?: Details): Found {
  return { outcome: "passed", text, details };
}

export function warned(text: string, remedy?: string, details?: Details): Found {
  return { outcome: "warning", text, remedy, details };
}

export function failed(text: string, remedy?: string, details?: Details): Found {
  return { outcome: "failed", text, remedy, details };
}

export function skipped(text: string, remedy?: string): Found {
  return { outcome: "skipped", text, remedy };
}

/** How many findings there are of each outcome. */
export function countOutcomes(findings: readonly Finding[]): Readonly<Record<CheckOutcome, number>> {
  const counts = { passed: 0, warning: 0, failed: 0, skipped: 0 };
  for (const { outcome } of findings) counts[outcome]++;
  return counts;
}

/** Longest first: an address of a web page has a host and a path. Loopback and names of the tool's own files stay. */
const PRIVATE: readonly (readonly [pattern: RegExp, placeholder: string])[] = [
  [/"[^"]*"/g, '"<name>"'],
  [/\b[a-z][a-z+.-]*:\/\/(?!(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?(?!\S))[^\s,;)]*[^\s,;):.…]/gi, "<url>"],
  [/[\w.+-]+@[\w.-]+\w/g, "<address>"],
  [/(?<![\w.:/\\-])(?:[a-z]:|~|\.{1,2})?(?:[\\/][^\s,;:()\\/]+)+/gi, "<path>"],
  [/\b(?!127\.0\.0\.1\b|0\.0\.0\.0\b)\d{1,3}(?:\.\d{1,3}){3}\b|\[(?!::1\])[0-9a-f]*:[0-9a-f:.]*\]/gi, "<host>"],
  [/(?<![\w.-])(?:[a-z0-9-]+\.)+(?!(?:json|db|env|js)\b)[a-z]{2,}(?!\.?[\w-])/g, "<host>"],
  [/\d{9,}/g, "<id>"],
];

/** A finding in one line to show in public: without paths, addresses, ids and quoted names. */
export function shareableLine({ id, outcome, text }: Pick<Finding, "id" | "outcome" | "text">): string {
  return `${outcome} ${id}: ${PRIVATE.reduce((line, [pattern, placeholder]) => line.replace(pattern, placeholder), text)}`;
}
