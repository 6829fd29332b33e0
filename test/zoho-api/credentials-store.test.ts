import { chmod, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type CredentialsStore, credentialsStore } from "../../src/zoho-api/credentials.ts";
import { findDataCentre } from "../../src/zoho-api/data-centres.ts";
import { hasEnvSignIn, signInFromEnv } from "../../src/zoho-api/env-sign-in.ts";
import { type KeyringEntry, keyringVault, NoKeyring, type Vault } from "../../src/zoho-api/keyring.ts";
import { lacks } from "../support/needs.ts";
import { failureOf, temporaryFolder } from "../support/zoho-client.ts";

let folder: string;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const profile = {
  dataCentre: "eu",
  environment: "production",
  accountsUrl: "https://accounts.zoho.eu",
  clientId: "1000.ID",
  scopes: ["ZohoCRM.notifications.ALL"],
};
const secrets = { clientSecret: "very-secret", refreshToken: "1000.refresh" };
const store = (keyring?: Vault, env = {}): CredentialsStore => credentialsStore({ folder, keyring, env });

/** A keyring in memory that can misbehave. */
function memoryKeyring(behave: "well" | "hangs" | "refuses" | "forgets" = "well") {
  const kept = new Map<string, string>();
  const act = <T>(value: () => T): Promise<T> => {
    if (behave === "hangs") return new Promise<never>(() => undefined);
    return behave === "refuses" ? Promise.reject(new Error("no session bus")) : Promise.resolve(value());
  };
  const open =
    async () =>
    (service: string, name: string): KeyringEntry => {
      const key = `${service}/${name}`;
      return {
        getPassword: () => act(() => kept.get(key) ?? null),
        setPassword: (value) => act(() => (behave === "forgets" ? undefined : void kept.set(key, value))),
        deletePassword: () => act(() => kept.delete(key)),
      };
    };
  return { kept, vault: keyringVault(open, 50) };
}

describe("the credentials store", () => {
  it("stores the secrets in the keyring, and none in a file", async () => {
    const keyring = memoryKeyring();
    // Nor those of an earlier sign-in without a keyring.
    await store().save("acme", profile, secrets);
    const saved = await store(keyring.vault).save("acme", profile, secrets);
    expect(saved.noKeyringBecause).toBeUndefined();
    const files = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), "utf8")));
    expect(files.join("")).not.toMatch(/very-secret|1000\.refresh/);
    const signIn = await store(keyring.vault).open();
    expect(signIn).toMatchObject({ name: "acme", centre: { id: "eu" }, hosts: { apiUrl: undefined } });
    if (signIn.access.kind !== "refreshable") throw new Error("A profile can be refreshed.");
    expect(signIn.access.refreshToken.reveal()).toBe("1000.refresh");
    expect(JSON.stringify(signIn)).not.toMatch(/very-secret|1000\.refresh/);
  });

  it.each([
    ["hangs", "it did not answer within 0.05 s"],
    ["refuses", "no session bus"],
    ["forgets", "it did not store what was written"],
  ] as const)("uses a private file and says why when the keyring %s", async (behave, why) => {
    const saved = await store(memoryKeyring(behave).vault).save("acme", profile, secrets);
    expect(saved.noKeyringBecause).toBe(why);
    expect(saved.secretsPath).toBe(join(folder, "secrets.json"));
    if (process.platform !== "win32") expect((await stat(saved.secretsPath)).mode & 0o777).toBe(0o600);
    expect((await store().open("acme")).name).toBe("acme");
    expect((await readdir(folder)).sort()).toEqual(["profiles.json", "secrets.json"]);
  });

  it("reports a locked keyring instead of a missing sign-in", async () => {
    const keyring = memoryKeyring();
    await store(keyring.vault).save("acme", profile, secrets);
    const failure = await failureOf(store(memoryKeyring("refuses").vault).open());
    expect(failure).toMatchObject({ exitCode: 6, code: "no_secrets" });
    expect(failure.message).toContain("no session bus");
    keyring.kept.clear();
    expect((await failureOf(store(keyring.vault).open())).message).toContain("are missing");
  });

  it("stores a profile for each organisation, the last one current", async () => {
    await store().save("acme", profile, secrets);
    await store().save("other", { ...profile, dataCentre: "in" }, { ...secrets, refreshToken: "1000.other" });
    expect(await store().profiles()).toMatchObject({
      current: "other",
      profiles: [{ name: "acme" }, { name: "other" }],
    });
    expect((await store().open("acme")).centre.id).toBe("eu");
    expect(await failureOf(store().open("acne"))).toMatchObject({ exitCode: 6, code: "not_signed_in" });
    await store().remove("other", { evenIfSecretsStay: false });
    expect(await failureOf(store().open())).toMatchObject({ code: "not_signed_in" });
    expect((await store().open("acme")).name).toBe("acme");
    expect(await readFile(join(folder, "secrets.json"), "utf8")).not.toContain("1000.other");
  });

  it("loses no profile when several are saved at the same time", async () => {
    const names = ["a", "b", "c", "d", "e"];
    await Promise.all(names.map((name) => store().save(name, profile, secrets)));
    expect((await store().profiles()).profiles.map((each) => each.name).sort()).toEqual(names);
  });

  it("removes the secrets from the keyring, too", async () => {
    const keyring = memoryKeyring();
    await store(keyring.vault).save("acme", profile, secrets);
    await store(keyring.vault).remove("acme", { evenIfSecretsStay: false });
    expect(keyring.kept.size).toBe(0);
    expect(await failureOf(store(keyring.vault).open())).toMatchObject({ code: "not_signed_in" });
  });

  it("accepts other hosts from the environment, if secrets can be sent there", async () => {
    await store().save("acme", profile, secrets);
    const env = { ZOHO_API_URL: "http://127.0.0.1:4000/", ZOHO_ACCOUNTS_URL: "https://accounts.example" };
    expect((await store(undefined, env).open()).hosts).toEqual({
      accountsUrl: "https://accounts.example",
      apiUrl: "http://127.0.0.1:4000",
    });
    // A resolver may ask DNS for a name with a dot at its end.
    for (const url of ["http://accounts.zoho.eu", "http://localhost.:4000"])
      expect(await failureOf(store(undefined, { ZOHO_ACCOUNTS_URL: url }).open())).toMatchObject({ exitCode: 2 });
  });

  it("names a damaged file instead of forgetting the profiles", async () => {
    await writeFile(join(folder, "profiles.json"), '{"profiles":{"acme"');
    const failure = await failureOf(store().profiles());
    expect(failure).toMatchObject({ exitCode: 6 });
    expect(failure.message).toContain("profiles.json is damaged");
    expect(await failureOf(store().save("acme", profile, secrets))).toMatchObject({ exitCode: 6 });
  });

  it.skipIf(lacks("posix", "a user other than root"))("names the file that it may not read", async () => {
    await store().save("acme", profile, secrets);
    await chmod(join(folder, "profiles.json"), 0o000);
    expect((await failureOf(store().profiles())).message).toContain("profiles.json could not be read");
  });

  it("names the file that cannot be written if the folder is not one", async () => {
    await writeFile(join(folder, "not-a-folder"), "");
    const failure = await failureOf(
      credentialsStore({ folder: join(folder, "not-a-folder"), keyring: undefined, env: {} }).save(
        "acme",
        profile,
        secrets,
      ),
    );
    expect(failure).toMatchObject({ exitCode: 6 });
    expect(failure.message).toContain("could not be written");
  });

  it("rejects an invalid name", async () => {
    for (const name of ["", "../x", "a b"]) {
      await expect(async () => store().save(name, profile, secrets)).rejects.toMatchObject({ exitCode: 2 });
    }
  });
});

describe("keyringVault", () => {
  it("does not report an entry as deleted that still exists", async () => {
    const entry: KeyringEntry = {
      getPassword: async () => "still here",
      setPassword: async () => undefined,
      deletePassword: async () => true,
    };
    await expect(keyringVault(async () => () => entry).remove("x")).rejects.toThrow(NoKeyring);
  });

  it("reports a missing keyring in plain words, not in those of the D-Bus library", async () => {
    const open = async () => {
      throw new Error(
        "Platform failure: DBus error: Unable to autolaunch a dbus-daemon without a $DISPLAY for X11\nat x",
      );
    };
    await expect(keyringVault(open).read("x")).rejects.toThrow(/^no Secret Service is running$/);
  });
});

describe("a profile of a data centre that only Zoho's list has", () => {
  const listed = { ...profile, dataCentre: "sg", accountsUrl: "https://accounts.zoho.sg" };

  it("has its hosts from the accounts server that it was saved with", async () => {
    await store().save("acme", listed, secrets);
    const { centre, hosts } = await store().open();
    expect(centre).toMatchObject({ id: "sg", apiDomain: "zohoapis.sg" });
    expect(hosts.accountsUrl).toBe("https://accounts.zoho.sg");
    await store().save("acme", { ...listed, accountsUrl: "https://accounts.evil.example" }, secrets);
    expect((await failureOf(store().open())).message).toContain("is not a profiles file");
  });
});

describe("signInFromEnv", () => {
  const full = { ZOHO_CLIENT_ID: "id", ZOHO_CLIENT_SECRET: "s", ZOHO_REFRESH_TOKEN: "r" };
  const us = findDataCentre("us");

  it("accepts a refresh token with its client, or an access token alone, or nothing", () => {
    expect(signInFromEnv(full, findDataCentre("in"))).toMatchObject({
      centre: { id: "in" },
      hosts: { accountsUrl: "https://accounts.zoho.in" },
      access: { kind: "refreshable", client: { clientId: "id", accountsUrl: "https://accounts.zoho.in" } },
    });
    expect(signInFromEnv({ ZOHO_ACCESS_TOKEN: "a" }, us)).toMatchObject({
      centre: { id: "us" },
      access: { kind: "fixed" },
    });
    expect(hasEnvSignIn({ ZOHO_ACCESS_TOKEN: "a" })).toBe(true);
    expect(hasEnvSignIn({ ZOHO_CLIENT_ID: "id", ZOHO_CLIENT_SECRET: "s" })).toBe(false);
  });

  it("names an empty or missing variable", () => {
    expect(() => signInFromEnv({ ...full, ZOHO_REFRESH_TOKEN: "" }, us)).toThrow("ZOHO_REFRESH_TOKEN is set but empty");
    expect(() => signInFromEnv({ ZOHO_REFRESH_TOKEN: "r" }, us)).toThrow(
      "ZOHO_CLIENT_ID and ZOHO_CLIENT_SECRET are not",
    );
  });
});
