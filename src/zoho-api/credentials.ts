import { join } from "node:path";
import { z } from "zod";
import { secret } from "../delivery/secret.ts";
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
import { type OAuthClient, type SignIn, type SignInFacts, signInAgain } from "./sign-in.ts";

export type CredentialsStore = ReturnType<typeof credentialsStore>;

interface ProfileSecrets {
  readonly clientSecret: string;
  readonly refreshToken: string;
}

const secretsSchema = z.object({ clientSecret: z.string().min(1), refreshToken: z.string().min(1) });

const LOCK_TIMEOUT_MS = 15_000;

/**
 * Profiles, one for each organisation, in `profiles.json`. Their secrets are in the keyring, or without one in
 * `secrets.json`, readable by the user only. `keyring` undefined: the user has turned it off.
 */
export function credentialsStore(options: {
  readonly folder: string;
  readonly keyring: Vault | undefined;
  readonly env: Env;
}) {
  const indexPath = join(options.folder, "profiles.json");
  const secretsPath = join(options.folder, "secrets.json");
  const fileVault = secretsFile(secretsPath);
  const locked = <T>(work: () => Promise<T>): Promise<T> =>
    withFileLock(join(options.folder, "profiles.lock"), { waitMs: LOCK_TIMEOUT_MS }, work);

  const vaultOf = ({ secretsIn }: Pick<Profile, "secretsIn">, known: SignInFacts): Vault => {
    if (secretsIn === "file") return fileVault;
    if (options.keyring !== undefined) return options.keyring;
    throw noSecrets("its secrets are in the keyring, and the keyring is turned off", known);
  };

  return {
    async profiles(): Promise<{ readonly current: string | undefined; readonly profiles: readonly Profile[] }> {
      const { current, profiles } = await readProfileIndex(indexPath);
      return { current, profiles: Object.entries(profiles).map(([name, profile]) => ({ name, ...profile })) };
    },

    /** The sign-in of a profile, by default the current one. Throws `UserError` (6) if there is none. */
    async open(requested?: string): Promise<SignIn> {
      const { current, profiles } = await readProfileIndex(indexPath);
      const name = requested ?? current;
      const profile = name !== undefined && Object.hasOwn(profiles, name) ? profiles[name] : undefined;
      if (name === undefined || profile === undefined) {
        const names = Object.keys(profiles);
        const known = names.length === 0 ? "" : ` Profiles: ${names.join(", ")}.`;
        const choose =
          requested === undefined && names.length > 0 ? "choose one with --profile or ZOHO_PROFILE, or " : "";
        throw new UserError(
          "credentials",
          requested !== undefined
            ? `there is no profile ${JSON.stringify(requested)}.${known}`
            : names.length > 0
              ? `no profile is the current one.${known}`
              : "you are not signed in to Zoho",
          `${choose}sign in with zoho-hooks login${requested === undefined ? "" : ` --profile ${shellQuoted(requested)}`}, or set ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET, ZOHO_REFRESH_TOKEN and ZOHO_DC`,
          "not_signed_in",
        );
      }
      const known = knownOf(name, profile);
      const { clientSecret, refreshToken } = await readSecrets(vaultOf(profile, known), known);
      const hosts = resolveHosts(profile, options.env);
      const ofProfile = (value: string) => secret(value, `profile ${name}`);
      const client: OAuthClient = {
        accountsUrl: hosts.accountsUrl,
        clientId: profile.clientId,
        clientSecret: ofProfile(clientSecret),
      };
      return {
        ...known,
        hosts,
        access: { kind: "refreshable", client, refreshToken: ofProfile(refreshToken) },
      };
    },

    /** Throws what `save` would, before a code that works only once is used up. */
    async check(name: string): Promise<void> {
      checkName(name);
      await locked(() => Promise.all([readProfileIndex(indexPath), fileVault.read(name)]));
    },

    /** Stores a profile, which becomes the current one. */
    async save({ name, ...profile }: Omit<Profile, "secretsIn">, secrets: ProfileSecrets) {
      checkName(name);
      return locked(async () => {
        const index = await readProfileIndex(indexPath);
        const { secretsIn, noKeyringBecause } = await writeSecrets(options.keyring, fileVault, name, secrets);
        const stored = { ...profile, scopes: [...profile.scopes], secretsIn };
        await writePrivateJson(indexPath, { current: name, profiles: { ...index.profiles, [name]: stored } });
        const path = secretsIn === "file" ? secretsPath : indexPath;
        return { profile: { name, ...stored }, noKeyringBecause, path };
      });
    },

    /** Deletes a profile. No other becomes the current one: it belongs to another organisation. */
    remove(name: string, { evenIfSecretsStay } = { evenIfSecretsStay: false }): Promise<void> {
      return locked(async () => {
        const { current, profiles } = await readProfileIndex(indexPath);
        const { [name]: removed, ...rest } = profiles;
        if (removed === undefined) return;
        try {
          await vaultOf(removed, knownOf(name, removed)).remove(name);
        } catch (error) {
          if (!evenIfSecretsStay && error instanceof UserError) throw error;
          if (!evenIfSecretsStay) {
            throw noSecrets(`its secrets could not be deleted: ${reason(error)}`, knownOf(name, removed));
          }
        }
        const isKept = current !== undefined && current !== name;
        await writePrivateJson(indexPath, { ...(isKept ? { current } : {}), profiles: rest });
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

async function writeSecrets(
  keyring: Vault | undefined,
  fileVault: Vault,
  name: string,
  secrets: ProfileSecrets,
): Promise<{ secretsIn: Profile["secretsIn"]; noKeyringBecause: string | undefined }> {
  const value = JSON.stringify(secrets);
  let noKeyringBecause = "the keyring is turned off";
  if (keyring !== undefined) {
    try {
      await keyring.write(name, value);
      await fileVault.remove(name);
      return { secretsIn: "keyring", noKeyringBecause: undefined };
    } catch (error) {
      if (!(error instanceof NoKeyring)) throw error;
      noKeyringBecause = error.message;
    }
  }
  await fileVault.write(name, value);
  return { secretsIn: "file", noKeyringBecause };
}

/** A data centre that was not known at the sign-in was in Zoho's list then, with the accounts server of the profile. */
function centreOf({ dataCentre, accountsUrl }: Pick<Profile, "dataCentre" | "accountsUrl">): DataCentre | undefined {
  return knownCentre(dataCentre) ?? listedCentre(dataCentre, accountsUrl);
}

function knownOf(name: string, profile: ProfileIndex["profiles"][string]): SignInFacts {
  const { environment, scopes } = profile;
  const centre = centreOf(profile) ?? findDataCentre(profile.dataCentre);
  return { name, centre, environment: findEnvironment(environment), scopes };
}

async function readSecrets(vault: Vault, known: SignInFacts): Promise<ProfileSecrets> {
  let text: string | undefined;
  try {
    text = await vault.read(known.name);
  } catch (error) {
    // An error of the file has its own hint.
    throw error instanceof UserError ? error : noSecrets(reason(error), known);
  }
  const json = text === undefined ? undefined : parseJson(text);
  const parsed = secretsSchema.safeParse(json?.ok ? json.value : undefined);
  if (!parsed.success) {
    throw noSecrets(`the secrets of profile ${known.name} are missing`, known);
  }
  return parsed.data;
}

function reason(error: unknown): string {
  return error instanceof NoKeyring ? `the keyring cannot be used because ${error.message}` : String(error);
}

function noSecrets(why: string, known: SignInFacts): UserError {
  return new UserError(
    "credentials",
    `the saved sign-in cannot be used: ${why}`,
    `unlock the keyring, or sign in again: ${signInAgain(known).how}`,
    "no_secrets",
  );
}

/** A profile without its secrets. */
interface Profile {
  readonly name: string;
  readonly dataCentre: string;
  readonly environment: string;
  readonly accountsUrl: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly secretsIn: "keyring" | "file";
}

const profileSchema = z
  .strictObject({
    dataCentre: z.string(),
    environment: z.string(),
    accountsUrl: z.string(),
    clientId: z.string(),
    scopes: z.array(z.string()),
    secretsIn: z.enum(["keyring", "file"]),
  })
  .refine((profile) => centreOf(profile) !== undefined);
const indexSchema = z.strictObject({ current: z.string().optional(), profiles: z.record(z.string(), profileSchema) });

type ProfileIndex = z.infer<typeof indexSchema>;

async function readProfileIndex(path: string): Promise<ProfileIndex> {
  const parsed = indexSchema.safeParse((await readPrivateJson(path)) ?? { profiles: {} });
  if (parsed.success) return parsed.data;
  throw new UserError(
    "credentials",
    `${path} is not a profiles file that this version of zoho-hooks can read`,
    "move the file away and sign in again (zoho-hooks login)",
  );
}

const secretsFileSchema = z.record(z.string(), z.string());

/** A vault in a file: an object with a text for each profile. */
function secretsFile(path: string): Vault {
  const read = async (): Promise<Readonly<Record<string, string>>> => {
    const parsed = secretsFileSchema.safeParse((await readPrivateJson(path)) ?? {});
    if (parsed.success) return parsed.data;
    throw new UserError(
      "credentials",
      `${path} is not a secrets file that this version of zoho-hooks can read`,
      "move the file away and sign in again (zoho-hooks login)",
    );
  };
  return {
    read: async (name) => {
      const all = await read();
      return Object.hasOwn(all, name) ? all[name] : undefined;
    },
    write: async (name, value) => writePrivateJson(path, { ...(await read()), [name]: value }),
    remove: async (name) => {
      const all = await read();
      if (!Object.hasOwn(all, name)) return;
      const { [name]: _, ...rest } = all;
      await writePrivateJson(path, rest);
    },
  };
}
