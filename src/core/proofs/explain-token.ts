import type { Finding } from "../product.ts";
import { type Secret, sameText } from "../secret.ts";

/** What stands in the guide's sample, and so in every payload that was copied from it. */
const PLACEHOLDER = "YOUR_NOTIFICATION_TOKEN";

/** Why a token is not the configured one, without telling either. */
export function explainToken(
  token: string | undefined,
  configured: readonly Secret[],
  all: readonly Secret[],
  what = "token",
  where = "the body",
): readonly Finding[] {
  if (token === undefined) {
    const remedy = `enter the ${what} when you set the webhook up, so that Zoho sends it along`;
    return [{ id: "missing", matches: true, meaning: `${where} has no ${what}, or an empty one`, remedy }];
  }
  const placeholder: Finding = {
    id: "placeholder",
    matches: token.trim().toUpperCase() === PLACEHOLDER,
    meaning: `the ${what} is the sample's placeholder ${PLACEHOLDER}`,
    remedy: "use the real token: send inserts it if it is configured",
  };
  const own = new Set(configured.map(({ origin }) => origin));
  return [
    placeholder,
    ...configured.flatMap((secret) => comparisons(token, secret, what)),
    ...all
      .filter(({ origin }) => !own.has(origin))
      .map(({ origin, reveal, askedBy }) => ({
        id: "other-secret",
        matches: sameText(token.trim(), reveal().trim()),
        meaning:
          askedBy === undefined
            ? `the ${what} is ${origin}, which is configured for something else`
            : `the ${what} is that of ${origin}, but ${where} names another channel`,
        remedy:
          askedBy === undefined
            ? `use ${origin} for this product, or set the webhook up with the ${what} that is configured for it`
            : "set the token of the channel that it names again: zoho-hooks channels update <id> --token-file <path>",
      })),
  ].filter((finding, i, list) => finding.matches || list.findIndex(({ id }) => id === finding.id) === i);
}

function comparisons(token: string, { origin, reveal }: Secret, what: string): readonly Finding[] {
  const value = reveal();
  const bare = (text: string): string =>
    text
      .trim()
      .replace(/^(["'])(.*)\1$/s, "$2")
      .trim();
  const sameBare = sameText(bare(token), bare(value));
  const lower = (text: string): string => bare(text).toLowerCase();
  return [
    {
      id: "white-space",
      matches: sameBare && token !== value,
      meaning: `the ${what} differs from ${origin} only by white space or quotes around it`,
      remedy: `remove them in the webhook's settings or in ${origin}`,
    },
    {
      id: "case",
      matches: !sameBare && sameText(lower(token), lower(value)),
      meaning: `the ${what} differs from ${origin} only by upper and lower case`,
      remedy: `write it the same in the webhook's settings and in ${origin}`,
    },
    {
      id: "encoded",
      matches: !sameBare && sameText(decoded(bare(token)), decoded(bare(value))),
      meaning: `the ${what} differs from ${origin} only by percent-encoding, or a + for a space`,
      remedy: `enter the ${what} as it is, without URL encoding`,
    },
    {
      id: "scheme",
      matches: !sameBare && sameText(withoutScheme(bare(token)), withoutScheme(bare(value))),
      meaning: `the ${what} differs from ${origin} only by a word before it, such as Bearer`,
      remedy: `write the word in both the webhook's settings and ${origin}, or in neither`,
    },
    {
      id: "cut-off",
      matches: !sameBare && startsAlike(bare(token), bare(value)),
      meaning: `either the ${what} or ${origin} is only the beginning of the other`,
      remedy: `one of them was cut off: copy the whole ${what}`,
    },
  ];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}

/** `Bearer`, `Zoho-oauthtoken` */
function withoutScheme(text: string): string {
  return text.replace(/^[A-Za-z-]+ +(?=\S+$)/, "");
}

function startsAlike(a: string, b: string): boolean {
  const length = Math.min(a.length, b.length);
  return length >= 8 && sameText(a.slice(0, length), b.slice(0, length));
}
