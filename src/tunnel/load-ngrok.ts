import { errorText, UserError } from "../core/errors.ts";

/** The part of `@ngrok/ngrok` that is used. */
export type NgrokSdk = Pick<typeof import("@ngrok/ngrok"), "SessionBuilder">;

/**
 * Loads ngrok's agent, a native add-on of 11 MB, only when a tunnel is wanted.
 * Throws a UserError where this machine has no build of it.
 */
export async function loadNgrok(load: () => Promise<NgrokSdk> = () => import("@ngrok/ngrok")): Promise<NgrokSdk> {
  try {
    return await load();
  } catch (error) {
    const [firstLine = ""] = errorText(error).split("\n", 1);
    throw new UserError(
      "connectionLost",
      `the ngrok agent cannot be loaded, so no tunnel can be opened: ${firstLine}`,
      "its build for this system is an optional dependency: install again without --omit=optional; " +
        "where there is no build, use another tunnel with --public-url URL, or --tunnel none",
      "ngrokMissing",
    );
  }
}
