import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { idsAt } from "../../body/payload.ts";
import { type Secret, type Secrets, secret } from "../../body/secret.ts";
import { parseJson } from "../../util/json.ts";
import { cachedFor } from "../../util/timing.ts";
import { CHANNELS_FILE } from "./channels-file.ts";
import { rememberedChannels } from "./memory.ts";

interface ChannelToken {
  readonly product: string;
  readonly token: Secret;
}

/** Nothing is made and used in less; thousands of deliveries a second are not held up. */
const LOOK_EVERY_MS = 2;

/**
 * The configured secrets, and the tokens of the channels that were made here, also of one that is made meanwhile. They
 * count where they match, and are asked of a body that names their channel; no other fails for want of one, because most
 * channels post elsewhere.
 */
export function withChannelTokens(secrets: Secrets, folder: string): Secrets {
  const path = join(folder, CHANNELS_FILE);
  let changedMs: number | undefined;
  let tokens: readonly ChannelToken[] = [];
  const current = cachedFor(
    LOOK_EVERY_MS,
    () => performance.now(),
    () => {
      const nowChangedMs = changeOf(path);
      if (nowChangedMs !== changedMs) tokens = nowChangedMs === undefined ? [] : readTokens(path);
      changedMs = nowChangedMs;
      return tokens;
    },
  );
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
    // No folder that may be read: then no channel of it is known.
    return undefined;
  }
}

/** None where the file cannot be read: the commands that need it say so. */
function readTokens(path: string): readonly ChannelToken[] {
  try {
    const json = parseJson(readFileSync(path, "utf8"));
    return (rememberedChannels(json.ok ? json.value : undefined) ?? []).flatMap(({ product, id, token, otherToken }) =>
      [token, otherToken].flatMap((each) => (each === undefined ? [] : [{ product, token: channelToken(id, each) }])),
    );
  } catch {
    return [];
  }
}

function channelToken(id: string, token: string): Secret {
  const requiredBy = (data: unknown): boolean => idsAt(data, ["channel_id"]).includes(id);
  return { ...secret(token, `channel ${id}`), optional: true, requiredBy };
}
