import { UserError } from "../core/errors.ts";
import type { Vault } from "./keyring.ts";
import { readPrivateJson, writePrivateJson } from "./private-file.ts";

/** The vault that is a file: an object with the secrets of each profile, a text each. */
export function secretsFile(path: string): Vault {
  // What is no text, such as what a newer version keeps, is carried along: it is another profile's.
  const read = async (): Promise<Readonly<Record<string, unknown>>> => {
    const json = (await readPrivateJson(path)) ?? {};
    if (isObject(json)) return json;
    throw new UserError(
      "credentials",
      `${path} does not hold secrets that this version of zoho-hooks can read`,
      "delete the file and sign in again (zoho-hooks login)",
    );
  };
  return {
    read: async (name) => {
      const all = await read();
      const value = Object.hasOwn(all, name) ? all[name] : undefined;
      return typeof value === "string" ? value : undefined;
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

function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
