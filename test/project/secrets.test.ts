import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { KnownSecrets } from "../../src/delivery/secrets.ts";
import { readSecrets, readStoredSecrets } from "../../src/project/secrets.ts";
import { tempFolder } from "../support/run.ts";
import { testKeys } from "../support/test-secrets.ts";

const known = new KnownSecrets();

function read(env: Readonly<Record<string, string>>, root = ".") {
  return readSecrets({ env, isStrict: true, root, known });
}

describe("the variable of a key", () => {
  it("holds the key or the path of a file, relative to the project", () => {
    const root = tempFolder();
    writeFileSync(join(root, "public.pem"), testKeys.publicKey);
    const byFile = read({ ZOHO_WEBHOOK_PUBLIC_KEY: "public.pem" }, root).for("publicKey", "cliq");
    const byValue = read({ ZOHO_WEBHOOK_PUBLIC_KEY: testKeys.publicKey }, root).for("publicKey", "cliq");
    expect(byFile.map((each) => each.reveal())).toEqual([testKeys.publicKey]);
    expect(byValue.map((each) => each.reveal())).toEqual([testKeys.publicKey]);
    expect(byFile[0]?.origin).toBe("ZOHO_WEBHOOK_PUBLIC_KEY");
  });

  it("of a product takes precedence over the general one", () => {
    const { publicKey, privateKey } = testKeys;
    const secrets = read({ ZOHO_WEBHOOK_PUBLIC_KEY: privateKey, ZOHO_WEBHOOK_PUBLIC_KEY_CLIQ: publicKey });
    expect(secrets.for("publicKey", "cliq")[0]?.origin).toBe("ZOHO_WEBHOOK_PUBLIC_KEY_CLIQ");
    expect(secrets.for("publicKey", "salesiq")[0]?.origin).toBe("ZOHO_WEBHOOK_PUBLIC_KEY");
  });

  it.each(["ZOHO_WEBHOOK_PUBLIC_KEY", "ZOHO_WEBHOOK_PRIVATE_KEY_CLIQ"])(
    "%s is rejected when it holds no key",
    (name) => {
      expect(() => read({ [name]: "s3cr3t" })).toThrow(`${name} is not an RSA`);
      expect(() => read({ [name]: "s3cr3t" })).not.toThrow("s3cr3t");
    },
  );

  it("is not read as a path where a secret is expected", () => {
    const root = tempFolder();
    writeFileSync(join(root, "hunter2"), "the content of a file");
    const [found] = read({ ZOHO_WEBHOOK_SECRET: "hunter2" }, root).for("secret", "crm");
    expect(found?.reveal()).toBe("hunter2");
  });
});

describe("a stored secret", () => {
  it("is read in the next run, beside those of other products, and a variable takes precedence", () => {
    const root = tempFolder();
    const stored = readStoredSecrets(root, known);
    stored.store("mail", { credential: "hookSecret", value: "one" });
    stored.store("other", { credential: "hookSecret", value: "two" });
    const again = readStoredSecrets(root, known);
    expect([again.find("mail", "hookSecret")?.reveal(), again.find("other", "hookSecret")?.reveal()]).toEqual([
      "one",
      "two",
    ]);
    expect(again.find("crm", "hookSecret")).toBeUndefined();
    expect(
      readSecrets({ env: {}, isStrict: false, root, known, stored: again }).for("hookSecret", "mail")[0]?.reveal(),
    ).toBe("one");
    const env = { ZOHO_WEBHOOK_HOOK_SECRET: "three" };
    expect(
      readSecrets({ env, isStrict: false, root, known, stored: again }).for("hookSecret", "mail")[0]?.reveal(),
    ).toBe("three");
  });

  it("is an error when its file is damaged", () => {
    const root = tempFolder();
    readStoredSecrets(root, known).store("mail", { credential: "hookSecret", value: "one" });
    writeFileSync(join(root, ".zoho-hooks", "keys", "hook-secrets.json"), "{");
    expect(() => readStoredSecrets(root, known)).toThrow("is damaged");
  });
});
