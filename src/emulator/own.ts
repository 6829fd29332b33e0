import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../project/context.ts";
import { projectFolder } from "../project/folder.ts";
import { findServer, type RunningServer } from "../receiver/routes.ts";
import { errorText } from "../util/errors.ts";
import { readPrivateJson, writePrivateJson } from "../util/files.ts";
import { isHttpUrl, isLocalUrl } from "../util/hosts.ts";
import { isRecord } from "../util/json.ts";
import { oneLine } from "../util/text.ts";
import { EMULATOR_PORT } from "./published.ts";

export const EMULATOR_URL = `http://127.0.0.1:${EMULATOR_PORT}`;

/** The emulator that was started in this project's folder, and answers. */
export async function ownEmulator(context: Context): Promise<string | undefined> {
  const folder = projectFolder(context);
  for (const url of [await rememberedUrl(context), EMULATOR_URL])
    if (url !== undefined && (await emulatorAt(url))?.folder === folder) return url;
  return undefined;
}

/** Undefined for another program, when nothing answers, and for another machine, which is not asked. */
export async function emulatorAt(url: string): Promise<RunningServer | undefined> {
  if (!isLocalUrl(url)) return undefined;
  const { hostname, port } = new URL(url);
  const found = await findServer(hostname.replace(/^\[|\]$/g, ""), Number(port || 80));
  return found?.command === "emulate" ? found : undefined;
}

/** `the emulator of /home/ines/app`; by its address where its folder is not known. */
export function emulatorName(url: string, { folder }: Partial<RunningServer> = {}): string {
  return folder === undefined ? `the emulator at ${url}` : `the emulator of ${oneLine(folder)}`;
}

/** Lets other commands of this folder find the emulator at any port. Returns what makes them forget it. */
export async function rememberEmulator(context: Context, url: string): Promise<() => Promise<void>> {
  try {
    await writePrivateJson(fileOf(context), { url });
  } catch (error) {
    const message = `emulate fail, advance and reset will need --url ${url}: ${errorText(error)}`;
    context.report({ type: "warning", message });
  }
  return async () => {
    // Another one may have been started in this folder.
    if ((await rememberedUrl(context)) === url) await rm(fileOf(context), { force: true });
  };
}

async function rememberedUrl(context: Context): Promise<string | undefined> {
  const content = await readPrivateJson(fileOf(context)).catch(() => undefined);
  const url = isRecord(content) ? content.url : undefined;
  return typeof url === "string" && isHttpUrl(url) ? url : undefined;
}

/** In the user's folder: a project's own files could name any address. */
function fileOf(context: Context): string {
  const name = createHash("sha256").update(projectFolder(context)).digest("hex").slice(0, 16);
  return join(context.userFolder, "emulators", `${name}.json`);
}
