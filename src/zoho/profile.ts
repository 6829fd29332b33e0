import { z } from "zod";
import { UserError } from "../core/errors.ts";
import { dataCentres } from "./data-centres.ts";
import { readPrivateJson } from "./private-file.ts";

/** What is known of a profile without its secrets; fit to be shown. */
export interface Profile {
  readonly name: string;
  readonly dataCentre: string;
  readonly environment: string;
  readonly accountsUrl: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly secretsIn: "keyring" | "file";
}

const profileSchema = z.object({
  dataCentre: z.string().refine((id) => dataCentres.some((each) => each.id === id)),
  environment: z.string(),
  accountsUrl: z.string(),
  clientId: z.string(),
  scopes: z.array(z.string()),
  secretsIn: z.enum(["keyring", "file"]),
});
const indexSchema = z.object({ current: z.string().optional(), profiles: z.record(z.string(), profileSchema) });

export type ProfileIndex = z.infer<typeof indexSchema>;

/** The profiles of a file; none where there is no such file. */
export async function readProfileIndex(path: string): Promise<ProfileIndex> {
  const parsed = indexSchema.safeParse((await readPrivateJson(path)) ?? { profiles: {} });
  if (parsed.success) return parsed.data;
  throw new UserError(
    "credentials",
    `${path} does not hold profiles that this version of zoho-hooks can read`,
    "delete the file and sign in again (zoho-hooks login)",
  );
}
