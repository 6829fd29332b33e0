import { statSync } from "node:fs";
import { join } from "node:path";
import { idsAt } from "../delivery/payload.ts";
import type { KnownSecrets } from "../delivery/secrets.ts";
import { type Secret, type Secrets, secret } from "../delivery/secrets.ts";
import { readRegularFile } from "../util/files.ts";
import { parseJson } from "../util/json.ts";
import { cachedFor } from "../util/timing.ts";
import { CHANNELS_FILE } from "./channels-file.ts";
import { rememberedChannels } from "./memory.ts";

interface ChannelToken {
  readonly product: string;
  readonly token: Secret;
}

/** Soon enough for a new channel, without a file access for each of thousands of deliveries a second. */
const REREAD_INTERVAL_MS = 2;

/**
 * The configured secrets, and the tokens of the channels that were created here, including later ones. A matching token
 * always counts, but only a body that names the channel requires one, because most channels post elsewhere.
 */
export function withChannelTokens(
  secrets: Secrets,
  { folder, known }: { readonly folder: string; readonly known: KnownSecrets },
): Secrets {
  const path = join(folder, CHANNELS_FILE);
  let changedMs: number | undefined;
  let tokens: readonly ChannelToken[] = [];
  const current = cachedFor(
    REREAD_INTERVAL_MS,
    () => performance.now(),
    () => {
      const nowChangedMs = changeOf(path);
      if (nowChangedMs !== changedMs) {
        tokens = nowChangedMs === undefined ? [] : readTokens(path);
        known.remember(...tokens.map(({ token }) => token.reveal()));
      }
      changedMs = nowChangedMs;
      return tokens;
    },
  );
  // They are masked before the first delivery, too.
  current();
  return {
    for(credential, product) {
      const configured = secrets.for(credential, product);
      if (credential !== "token") return configured;
      return [...configured, ...current().flatMap((each) => (each.product === product ? [each.token] : []))];
    },
    all: () => secrets.all(),
  };
}

function changeOf(path: string): number | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  } catch {
    // The folder cannot be read, so no channel is known.
    return undefined;
  }
}

/** Empty if the file cannot be read: the commands that need it report that. */
function readTokens(path: string): readonly ChannelToken[] {
  try {
    const json = parseJson(readRegularFile(path).toString("utf8"));
    const channels = rememberedChannels(json.ok ? json.value : undefined) ?? [];
    return channels.flatMap(({ product, id, token, otherToken }) =>
      [token, otherToken].flatMap((each) => (each === undefined ? [] : [{ product, token: channelToken(id, each) }])),
    );
  } catch {
    return [];
  }
}

/** Required only of a body that names the channel. */
export function channelToken(id: string, token: string): Secret {
  const requiredBy = (data: unknown): boolean => idsAt(data, ["channel_id"]).includes(id);
  return { ...secret(token, `channel ${id}`), optional: true, requiredBy };
}
