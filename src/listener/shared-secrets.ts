import { channelToken } from "../channels/tokens.ts";
import { type Credential, type Secret, type Secrets, secret } from "../delivery/secrets.ts";
import type { Log } from "../log/log.ts";
import type { OfferedSecret } from "../model/product.ts";
import type { Config } from "../project/load.ts";
import { storeKeyOf } from "../project/secret-variables.ts";
import { STORED_SECRETS_FILE } from "../project/secrets.ts";
import { STORE_KEY } from "../project/variables.ts";
import { UserError, usageError } from "../util/errors.ts";
import type { ListenContext } from "./lines.ts";
import type { Part } from "./part.ts";

/** The channel that receivers of one public URL share. */
interface SharedChannel {
  readonly id: string;
  readonly token: string;
}

/** The secrets that all receivers on a log share: what a sender handed to one of them, and the tokens of channels. */
export interface SharedSecretsPart extends Part {
  /** The given secrets and the shared ones; one of a flag or variable replaces those that senders have handed over. */
  with(secrets: Secrets): Secrets;
  /** Saves a secret that a sender has offered. Rejects if it cannot be shared: then it must not be accepted. */
  keep(product: string, offered: OfferedSecret): Promise<void>;
  /** `name`: `channel:<product>:<URL that it posts to>`. */
  channel(name: string): Promise<SharedChannel | undefined>;
  /** Resolves once every receiver has read it. */
  saveChannel(name: string, channel: SharedChannel): Promise<void>;
}

/** An entry that holds nothing and can be read with the right key alone. */
const KEY_CHECK = "key-check";

/** How long a receiver may not know a secret that another one has saved. */
const READ_INTERVAL_MS = 1000;

interface Shared {
  readonly product: string;
  readonly credential: Credential;
  readonly secret: Secret;
}

/** Undefined for a log that only one process uses. */
export async function shareSecrets(
  context: ListenContext,
  config: Config,
  log: Log,
): Promise<SharedSecretsPart | undefined> {
  const shared = log.shared?.secrets;
  if (shared === undefined) return undefined;
  const hasKey = storeKeyOf(config) !== "";
  let read: readonly Shared[] = [];
  let warned = false;
  /** Being saved: a second offer is compared with it at once. */
  const pending = new Set<Shared>();
  const refresh = async (): Promise<ReadonlyMap<string, string>> => {
    const all = await shared.all();
    read = [...all].flatMap(([name, value]) => readShared(name, value) ?? []);
    context.knownSecrets.remember(...read.map((each) => each.secret.reveal()));
    return all;
  };
  // From the first receiver with a key on, one with another key is refused, before there is a secret to share.
  if (hasKey && (await refresh()).size === 0) await shared.set(KEY_CHECK, "");
  /** Warns that without the key this receiver does not verify deliveries that other receivers reject. */
  const warnOfKey = (error: unknown): void => {
    if (warned || !(error instanceof UserError) || error.code !== "log-key") return;
    warned = true;
    const message = `what other receivers share is not used here, so deliveries are accepted that they reject: ${error.message}`;
    context.report({ type: "warning", message, hint: error.hint });
  };
  const poll = async (): Promise<void> => {
    if (hasKey || (await shared.isUsed())) await refresh();
  };
  if (!hasKey) await poll().catch(warnOfKey);
  // While the log cannot be read, the last ones count; the deliveries themselves tell that it cannot.
  const timer = setInterval(() => void poll().catch(warnOfKey), READ_INTERVAL_MS);

  const save = async (name: string, value: string): Promise<void> => {
    const duty = await log.takeDuty("secrets");
    if (duty === undefined) throw new Error("another receiver is saving one at this moment");
    try {
      const known = (await refresh()).get(name);
      if (known !== undefined && known !== value) throw new Error("another receiver has been handed a different one");
      await shared.set(name, value);
      await refresh();
    } finally {
      await duty.release();
    }
  };

  return {
    name: "the shared secrets",
    notes: hasKey
      ? []
      : [
          `${STORE_KEY} is not set: Mail cannot hand out its secret here, since all receivers need it, and --channel needs it.`,
        ],
    with: (secrets) => ({
      for(credential, product) {
        const own = secrets.for(credential, product);
        // As one that listen has saved alone. A channel's token is beside any other.
        if (credential !== "token" && own.some(({ origin }) => origin !== STORED_SECRETS_FILE)) return own;
        const others = [...read, ...pending].filter(
          (each) => each.product === product && each.credential === credential,
        );
        return [...own, ...others.map((each) => each.secret)];
      },
      all: () => [...secrets.all(), ...read.flatMap((each) => (each.credential === "token" ? [] : [each.secret]))],
    }),
    async keep(product, { credential, value }) {
      if (!hasKey) throw keyError(`all receivers on this log need ${product}'s secret`);
      const name = `secret:${product}:${credential}`;
      const offered = readShared(name, value);
      if (offered !== undefined) pending.add(offered);
      try {
        await save(name, value);
      } finally {
        if (offered !== undefined) pending.delete(offered);
      }
    },
    async channel(name) {
      const value = (await refresh()).get(name);
      return value === undefined ? undefined : (JSON.parse(value) as SharedChannel);
    },
    async saveChannel(name, channel) {
      await shared.set(name, JSON.stringify(channel));
      await refresh();
      await context.sleep(READ_INTERVAL_MS * 1.5, context.signal);
    },
    async stop() {
      clearInterval(timer);
    },
  };
}

function keyError(reason: string): UserError {
  return usageError(
    `${reason}, and ${STORE_KEY} is not set in the environment`,
    `set the same ${STORE_KEY} for each of them: a long random text, such as openssl rand -base64 32 prints`,
  );
}

/** Throws a usage error where the receivers of a run cannot share a channel. */
export function requireStoreKey(config: Config): void {
  if (storeKeyOf(config) === "") throw keyError("--channel: all receivers on this log need the channel's token");
}

function readShared(name: string, value: string): Shared | undefined {
  const [, kind, product = "", credential] = /^(channel|secret):([^:]+):(.*)$/s.exec(name) ?? [];
  if (kind === "channel") {
    const { id, token } = JSON.parse(value) as SharedChannel;
    return { product, credential: "token", secret: channelToken(id, token) };
  }
  if (kind === undefined) return undefined;
  return { product, credential: credential as Credential, secret: secret(value, `${name} in the event log`) };
}
