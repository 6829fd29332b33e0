/** The remembered channels, in the user's folder. */
export const CHANNELS_FILE = "channels.json";
