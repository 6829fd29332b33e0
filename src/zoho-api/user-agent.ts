/** Names this program to Zoho. */
export const USER_AGENT = "zoho-hooks";

/** Names a request that a long run repeats every few seconds or minutes, which the emulator does not list. */
export const POLL_USER_AGENT = "zoho-hooks (poll)";
