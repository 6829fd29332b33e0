import { accessSync, constants, statSync } from "node:fs";
import { arch } from "node:os";
import { posix, win32 } from "node:path";
import type { ChildRun } from "../process/runtime.ts";
import { orUndefined, UserError } from "../util/errors.ts";

/** Starts the program with arguments. `onLine`: called for each line of its stderr. */
export type StartProgram = (args: readonly string[], onLine: (line: string) => void) => ChildRun;

export interface ProgramPlaces {
  /** The value of CLOUDFLARED_PATH. */
  readonly named: string | undefined;
  /** The folder in which a relative one is looked up. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** As in `process.platform`. */
  readonly platform: string;
}

/** The path of the user's own `cloudflared`. Throws a UserError that says how to install it. */
export function findCloudflared({ named, root, env, platform }: ProgramPlaces): string {
  const { isAbsolute, resolve, join, delimiter } = platform === "win32" ? win32 : posix;
  if (named) {
    const path = resolve(root, named);
    if (isProgram(path)) return path;
    throw new UserError(
      "connectionLost",
      `there is no program at ${path}, which CLOUDFLARED_PATH names`,
      "correct it (a relative path begins at the project's folder), or leave it out to use the PATH",
      "cloudflaredMissing",
    );
  }
  const name = platform === "win32" ? "cloudflared.exe" : "cloudflared";
  // A relative folder would be in the working folder, where a clone may have its own.
  const folders = (env.PATH ?? "").split(delimiter).filter((folder) => isAbsolute(folder));
  const found = folders.map((folder) => join(folder, name)).find(isProgram);
  if (found !== undefined) return found;
  throw missing("cloudflared is not installed: it is not on the PATH", platform);
}

function isProgram(path: string): boolean {
  return (
    orUndefined(() => {
      accessSync(path, constants.X_OK);
      return statSync(path).isFile();
    }) ?? false
  );
}

/** https://developers.cloudflare.com/cloudflare-one/connections/connect-networks/downloads/ */
function missing(message: string, platform: string): UserError {
  return new UserError(
    "connectionLost",
    message,
    `install it: ${installCommand(platform)}; or set CLOUDFLARED_PATH to the program; or use --tunnel ngrok or --public-url URL`,
    "cloudflaredMissing",
  );
}

const RELEASES = "https://github.com/cloudflare/cloudflared/releases/latest/download";
/** The names of `os.arch()` in the files of a release. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };

function installCommand(platform: string): string {
  if (platform === "darwin") return "brew install cloudflared";
  if (platform === "win32") return "winget install --id Cloudflare.cloudflared (then open a new terminal)";
  const file = `${RELEASES}/cloudflared-linux-${ARCHITECTURES[arch()] ?? arch()}`;
  return `sudo curl -fLo /usr/local/bin/cloudflared ${file} && sudo chmod +x /usr/local/bin/cloudflared`;
}

/** Variables that make it another tunnel than the one that its arguments ask for. */
const OF_CLOUDFLARED = /^(?:TUNNEL_|NO_AUTOUPDATE$)/i;

/** The environment for the program: the user's, without what would win over its arguments. */
export function cloudflaredEnv(env: ProgramPlaces["env"]): ProgramPlaces["env"] {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !OF_CLOUDFLARED.test(name)));
}
