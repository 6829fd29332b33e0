import { z } from "zod";
import type { Vault } from "./keyring.ts";
import { readPrivateJson, writePrivateJson } from "./private-file.ts";

/** The vault that is a file: an object with the secrets of each profile. */
export function secretsFile(path: string): Vault {
  const read = async (): Promise<Record<string, string>> =>
    z
      .record(z.string(), z.string())
      .catch({})
      .parse(await readPrivateJson(path));
  return {
    read: async (name) => (await read())[name],
    write: async (name, value) => writePrivateJson(path, { ...(await read()), [name]: value }),
    remove: async (name) => {
      const { [name]: removed, ...rest } = await read();
      if (removed !== undefined) await writePrivateJson(path, rest);
    },
  };
}
