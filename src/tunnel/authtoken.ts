import { posix, win32 } from "node:path";
import { type Secret, secret } from "../delivery/secrets.ts";
import { errorCode, errorText, UserError } from "../util/errors.ts";
import { readRegularFile } from "../util/files.ts";

export interface AuthtokenPlaces {
  /** The value of its variable. */
  readonly variable: Secret | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** As in `process.platform`. */
  readonly platform: string;
}

/** The ngrok authtoken from NGROK_AUTHTOKEN, or from the config file of ngrok's agent. */
export async function findAuthtoken(places: AuthtokenPlaces): Promise<Secret | undefined> {
  const { variable } = places;
  if (variable !== undefined) return secret(variable.reveal().trim(), variable.origin);
  const path = ngrokConfigFile(places);
  const token = readAuthtoken(await readIfExists(path));
  return token === undefined ? undefined : secret(token, path);
}

/** https://ngrok.com/docs/agent/config: where `ngrok config add-authtoken` writes. */
export function ngrokConfigFile({ env, home, platform }: AuthtokenPlaces): string {
  if (platform === "win32") {
    return win32.join(env.LOCALAPPDATA || win32.join(home, "AppData", "Local"), "ngrok", "ngrok.yml");
  }
  if (platform === "darwin") return posix.join(home, "Library", "Application Support", "ngrok", "ngrok.yml");
  const { XDG_CONFIG_HOME = "" } = env;
  const base = posix.isAbsolute(XDG_CONFIG_HOME) ? XDG_CONFIG_HOME : posix.join(home, ".config");
  return posix.join(base, "ngrok", "ngrok.yml");
}

/** `authtoken:` at the top level (version 2 of the file) or under `agent:` (version 3). */
function readAuthtoken(yaml: string): string | undefined {
  let section = "";
  for (const line of yaml.replace(/^\uFEFF/, "").split(/\r?\n/)) {
    section = /^([^\s#:]+):/.exec(line)?.[1] ?? section;
    if (section !== "authtoken" && section !== "agent") continue;
    const [, double, single, plain] =
      /^\s*authtoken:\s+(?:"([^"]*)"|'([^']*)'|([^\s#]\S*))\s*(?:#.*)?$/.exec(line) ?? [];
    const token = double ?? single ?? plain;
    if (token !== undefined && token !== "") return token;
  }
  return undefined;
}

async function readIfExists(path: string): Promise<string> {
  try {
    return readRegularFile(path).toString("utf8");
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return "";
    throw new UserError(
      "credentials",
      `ngrok's config file ${path} cannot be read (${code ?? errorText(error)})`,
      "fix its permissions, set NGROK_AUTHTOKEN, or use --tunnel none",
    );
  }
}
