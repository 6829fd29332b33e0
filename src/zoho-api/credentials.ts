import { join } from "node:path";
import { z } from "zod";
import { secret } from "../delivery/secrets.ts";
import type { Env } from "../project/variables.ts";
import { UserError, usageError } from "../util/errors.ts";
import { withFileLock } from "../util/file-lock.ts";
import { readPrivateJson, writePrivateJson } from "../util/files.ts";
import { parseJson } from "../util/json.ts";
import { shellQuoted } from "../util/text.ts";
import {
  type DataCentre,
  findDataCentre,
  findEnvironment,
  knownCentre,
  listedCentre,
  resolveHosts,
} from "./data-centres.ts";
import { NoKeyring, type Vault } from "./keyring.ts";
import { type SignIn, type SignInFacts, signInAgain, signInError } from "./sign-in.ts";

export type CredentialsStore = ReturnType<typeof credentialsStore>;

/** A sign-in without its secrets. */
type Profile = z.infer<typeof profileSchema>;

const profileSchema = z
  .strictObject({
    dataCentre: z.string(),
    environment: z.string(),
    accountsUrl: z.string(),
    clientId: z.string(),
    scopes: z.array(z.string()).readonly(),
    secretsIn: z.enum(["keyring", "file"]),
  })
  .refine((profile) => centreOf(profile) !== undefined);
const indexSchema = z.strictObject({ current: z.string().optional(), profiles: z.record(z.string(), profileSchema) });
const vaultSchema = z.record(z.string(), z.string());
const secretsSchema = z.object({ clientSecret: z.string().min(1), refreshToken: z.string().min(1) });

const LOCK_TIMEOUT_MS = 15_000;

/**
 * Profiles, one for each organisation, in `profiles.json`. Their secrets are in the keyring, or without one in
 * `secrets.json`, readable by the user only. `keyring` undefined: the user has turned it off.
 */
export function credentialsStore({ folder, keyring, env }: { folder: string; keyring: Vault | undefined; env: Env }) {
  const indexPath = join(folder, "profiles.json");
  const secretsPath = join(folder, "secrets.json");
  const fileVault = secretsFile(secretsPath);
  const locked = <T>(work: () => Promise<T>): Promise<T> =>
    withFileLock(join(folder, "profiles.lock"), { waitMs: LOCK_TIMEOUT_MS }, work);
  const readIndex = () => readStored(indexPath, indexSchema, { profiles: {} }, "profiles");

  const vaultOf = ({ secretsIn }: Profile, facts: SignInFacts): Vault => {
    if (secretsIn === "file") return fileVault;
    if (keyring !== undefined) return keyring;
    throw noSecrets("its secrets are in the keyring, and the keyring is turned off", facts);
  };

  /** Saves secrets in the keyring, else in the file. Resolves to why there is no keyring. */
  const writeSecrets = async (name: string, value: string): Promise<string | undefined> => {
    const reasonOf = (error: unknown): string => {
      if (error instanceof NoKeyring) return error.message;
      throw error;
    };
    const noKeyringBecause =
      keyring === undefined
        ? "the keyring is turned off"
        : await keyring.write(name, value).then(() => undefined, reasonOf);
    await (noKeyringBecause === undefined ? fileVault.remove(name) : fileVault.write(name, value));
    return noKeyringBecause;
  };

  return {
    async profiles() {
      const { current, profiles } = await readIndex();
      return { current, profiles: Object.entries(profiles).map(([name, profile]) => ({ name, ...profile })) };
    },

    /** The sign-in of a profile, by default the current one. Throws `UserError` (6) if there is none. */
    async open(requested?: string): Promise<SignIn> {
      const { current, profiles } = await readIndex();
      const name = requested ?? current;
      const profile = name !== undefined && Object.hasOwn(profiles, name) ? profiles[name] : undefined;
      if (name === undefined || profile === undefined) throw notSignedIn(requested, Object.keys(profiles));
      const facts = factsOf(name, profile);
      const { clientSecret, refreshToken } = await readSecrets(vaultOf(profile, facts), facts);
      const hosts = resolveHosts(profile, env);
      const origin = `profile ${name}`;
      const { clientId } = profile;
      const client = { accountsUrl: hosts.accountsUrl, clientId, clientSecret: secret(clientSecret, origin) };
      return { ...facts, hosts, access: { kind: "refreshable", client, refreshToken: secret(refreshToken, origin) } };
    },

    /** Throws what `save` would, before a code that works only once is used up. */
    async check(name: string): Promise<void> {
      checkName(name);
      await locked(() => Promise.all([readIndex(), fileVault.read(name)]));
    },

    /** Stores a profile, which becomes the current one. */
    async save(name: string, profile: Omit<Profile, "secretsIn">, secrets: z.infer<typeof secretsSchema>) {
      checkName(name);
      return locked(async () => {
        const index = await readIndex();
        const noKeyringBecause = await writeSecrets(name, JSON.stringify(secrets));
        const secretsIn = noKeyringBecause === undefined ? "keyring" : "file";
        const profiles = { ...index.profiles, [name]: { ...profile, secretsIn } };
        await writePrivateJson(indexPath, { current: name, profiles });
        return { noKeyringBecause, secretsPath };
      });
    },

    /** Deletes a profile. No other becomes the current one: it belongs to another organisation. */
    remove(name: string, { evenIfSecretsStay }: { evenIfSecretsStay: boolean }): Promise<void> {
      return locked(async () => {
        const { current, profiles } = await readIndex();
        const { [name]: removed, ...rest } = profiles;
        if (removed === undefined) return;
        const facts = factsOf(name, removed);
        try {
          await vaultOf(removed, facts).remove(name);
        } catch (error) {
          if (!evenIfSecretsStay)
            throw error instanceof UserError
              ? error
              : noSecrets(`its secrets could not be deleted: ${reason(error)}`, facts);
        }
        // Left out if undefined.
        await writePrivateJson(indexPath, { current: current === name ? undefined : current, profiles: rest });
      });
    },
  };
}

function checkName(name: string): void {
  if (/^[\p{L}\p{N}][\p{L}\p{N}._-]{0,63}$/u.test(name) && name !== "environment") return;
  throw usageError(
    `${JSON.stringify(name)} is not a valid profile name`,
    "use letters, digits, dots, dashes and underscores",
  );
}

function notSignedIn(requested: string | undefined, names: readonly string[]): UserError {
  const known = names.length === 0 ? "" : ` Profiles: ${names.join(", ")}.`;
  const [message, choose, flag, orElse] =
    requested !== undefined
      ? [`there is no profile ${JSON.stringify(requested)}.${known}`, "", ` --profile ${shellQuoted(requested)}`, ""]
      : names.length > 0
        ? [`no profile is the current one.${known}`, "choose one with --profile or ZOHO_PROFILE, or ", "", ""]
        : ["you are not signed in to Zoho", "", "", "; to try it without an account: zoho-hooks emulate"];
  return signInError(
    message,
    `${choose}sign in with zoho-hooks login${flag}, or set ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET, ZOHO_REFRESH_TOKEN and ZOHO_DC${orElse}`,
    "not_signed_in",
  );
}

/** A data centre that was not known at the sign-in was in Zoho's list then, with the accounts server of the profile. */
function centreOf({ dataCentre, accountsUrl }: { dataCentre: string; accountsUrl: string }): DataCentre | undefined {
  return knownCentre(dataCentre) ?? listedCentre(dataCentre, accountsUrl);
}

function factsOf(name: string, profile: Profile): SignInFacts {
  const { environment, scopes } = profile;
  const centre = centreOf(profile) ?? findDataCentre(profile.dataCentre);
  return { name, centre, environment: findEnvironment(environment), scopes };
}

async function readSecrets(vault: Vault, facts: SignInFacts) {
  const text = await vault.read(facts.name).catch((error: unknown) => {
    // An error of the file has its own hint.
    throw error instanceof UserError ? error : noSecrets(reason(error), facts);
  });
  const json = text === undefined ? undefined : parseJson(text);
  const parsed = secretsSchema.safeParse(json?.ok ? json.value : undefined);
  if (!parsed.success) throw noSecrets(`the secrets of profile ${facts.name} are missing`, facts);
  return parsed.data;
}

function reason(error: unknown): string {
  return error instanceof NoKeyring ? `the keyring cannot be used because ${error.message}` : String(error);
}

function noSecrets(why: string, facts: SignInFacts): UserError {
  return signInError(
    `the saved sign-in cannot be used: ${why}`,
    `unlock the keyring, or sign in again: ${signInAgain(facts).how}`,
    "no_secrets",
  );
}

/** A vault in a file: an object with a text for each profile. */
function secretsFile(path: string): Vault {
  const read = () => readStored(path, vaultSchema, {}, "secrets");
  return {
    async read(name) {
      const all = await read();
      return Object.hasOwn(all, name) ? all[name] : undefined;
    },
    write: async (name, value) => writePrivateJson(path, { ...(await read()), [name]: value }),
    async remove(name) {
      const { [name]: removed, ...rest } = await read();
      if (removed !== undefined) await writePrivateJson(path, rest);
    },
  };
}

async function readStored<T>(path: string, schema: z.ZodType<T>, empty: T, noun: string): Promise<T> {
  const parsed = schema.safeParse((await readPrivateJson(path)) ?? empty);
  if (parsed.success) return parsed.data;
  throw signInError(
    `${path} is not a ${noun} file that this version of zoho-hooks can read`,
    "move the file away and sign in again (zoho-hooks login)",
  );
}
