/**
 * Who decided a value: `USER` (a flag, the environment, the user's own config file or profile), or the absolute path of a file of
 * the project. A project may be a stranger's clone, and its files may be of different people: the user's own `.env` beside a
 * stranger's config file.
 */
export type Source = string;

export const USER: Source = "user";

/** Where something would be sent, and who decided that. */
export interface Destination {
  readonly source: Source;
  /** Nobody else is reached, whoever names it: this machine, or Zoho's own hosts. */
  readonly isSafe?: boolean;
}

/**
 * The rule for all that leaves this machine. The author of a file knows the secrets in it, so they may go where the same file
 * says, which is reported. What the user or another file has decided goes to a file's destination only with the user's yes.
 */
export function sendingOf(
  value: Source,
  { source, isSafe = false }: Destination,
): "allowed" | "reported" | "needsUser" {
  if (isSafe || source === USER) return "allowed";
  return source === value ? "reported" : "needsUser";
}

declare const checked: unique symbol;

/** A URL that secrets may be sent to. It can only be made here, so that nothing is sent to one that was not checked. */
export type TrustedUrl = string & { readonly [checked]: true };

/** The URL, if all of these values may be sent there. */
export function trustedUrl(url: string, values: readonly Source[], to: Destination): TrustedUrl | undefined {
  return values.every((value) => sendingOf(value, to) !== "needsUser") ? (url as TrustedUrl) : undefined;
}

/** A URL of this program's own, or that the user named. */
export function userUrl(url: string): TrustedUrl {
  return url as TrustedUrl;
}
