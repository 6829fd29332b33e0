/** What is remembered of channels, in the user's folder. */
export const CHANNELS_FILE = "channels.json";
