import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readSecrets, readStoredSecrets } from "../../src/config/secrets.ts";
import { tempFolder } from "../support/run.ts";
import { testKeys } from "../support/test-secrets.ts";

describe("the variable of a key", () => {
  it("holds the key, or names a file with it, relative to the project", () => {
    const root = tempFolder();
    writeFileSync(join(root, "public.pem"), testKeys.publicKey);
    const byFile = readSecrets({ ZOHO_WEBHOOK_PUBLIC_KEY: "public.pem" }, {}, root).for("publicKey", "cliq");
    const byValue = readSecrets({ ZOHO_WEBHOOK_PUBLIC_KEY: testKeys.publicKey }, {}, root).for("publicKey", "cliq");
    expect(byFile.map((each) => each.reveal())).toEqual([testKeys.publicKey]);
    expect(byValue.map((each) => each.reveal())).toEqual([testKeys.publicKey]);
    expect(byFile[0]?.origin).toBe("ZOHO_WEBHOOK_PUBLIC_KEY");
  });

  it("of a product goes before the general one", () => {
    const { publicKey, privateKey } = testKeys;
    const secrets = readSecrets({ ZOHO_WEBHOOK_PUBLIC_KEY: privateKey, ZOHO_WEBHOOK_PUBLIC_KEY_CLIQ: publicKey });
    expect(secrets.for("publicKey", "cliq")[0]?.origin).toBe("ZOHO_WEBHOOK_PUBLIC_KEY_CLIQ");
    expect(secrets.for("publicKey", "salesiq")[0]?.origin).toBe("ZOHO_WEBHOOK_PUBLIC_KEY");
  });

  it.each(["ZOHO_WEBHOOK_PUBLIC_KEY", "ZOHO_WEBHOOK_PRIVATE_KEY_CLIQ"])("%s is refused when it holds none", (name) => {
    expect(() => readSecrets({ [name]: "s3cr3t" }, {})).toThrow(`${name} is not an RSA`);
    expect(() => readSecrets({ [name]: "s3cr3t" }, {})).not.toThrow("s3cr3t");
  });

  it("is no name of a file where a secret is asked for", () => {
    const root = tempFolder();
    writeFileSync(join(root, "hunter2"), "the content of a file");
    const [found] = readSecrets({ ZOHO_WEBHOOK_SECRET: "hunter2" }, {}, root).for("secret", "crm");
    expect(found?.reveal()).toBe("hunter2");
  });
});

describe("a secret that was handed over", () => {
  it("is there in the next run, beside those of others, and gives way to a variable", () => {
    const root = tempFolder();
    const kept = readStoredSecrets(root);
    kept.store("mail", { credential: "hookSecret", value: "one" });
    kept.store("other", { credential: "hookSecret", value: "two" });
    const again = readStoredSecrets(root);
    expect([again.find("mail", "hookSecret")?.reveal(), again.find("other", "hookSecret")?.reveal()]).toEqual([
      "one",
      "two",
    ]);
    expect(again.find("crm", "hookSecret")).toBeUndefined();
    expect(readSecrets({}, {}, root, again).for("hookSecret", "mail")[0]?.reveal()).toBe("one");
    const env = { ZOHO_WEBHOOK_HOOK_SECRET: "three" };
    expect(readSecrets(env, {}, root, again).for("hookSecret", "mail")[0]?.reveal()).toBe("three");
  });

  it("is not lost unseen when its file is damaged", () => {
    const root = tempFolder();
    readStoredSecrets(root).store("mail", { credential: "hookSecret", value: "one" });
    writeFileSync(join(root, ".zoho-hooks", "keys", "hook-secrets.json"), "{");
    expect(() => readStoredSecrets(root)).toThrow("is damaged");
  });
});
