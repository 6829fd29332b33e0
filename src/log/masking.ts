/** Names of secrets in the words of `core/mask.ts`, for the views that mask by SQL alone. */
export const ANYWHERE: readonly string[] =
  "token secret signature password passwd passphrase authorization cookie jwt hmac".split(" ");
/** Secret only as a whole word: `user_auth`, not `oauth`. */
export const WORDS: readonly string[] = "auth sign sig pwd credential credentials".split(" ");
/** Secret when followed by `key`. */
export const KEYS = ["api", "private", "secret", "signing", "auth", "access", "app", "hook", "shared"];
