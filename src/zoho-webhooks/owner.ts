import { randomBytes } from "node:crypto";
import { basename, join } from "node:path";
import { z } from "zod";
import { UserError } from "../util/errors.ts";
import { withFileLock } from "../util/file-lock.ts";
import { readPrivateJson, writePrivateJson } from "../util/files.ts";
import { realPlace } from "../util/links.ts";

/*
 * What this user has created at Zoho from a folder. It is in the user's folder: of two users of one project each has their own.
 */

const ownSchema = z.strictObject({
  /** Name of the webhooks that `listen` registers from the folder: `zoho-hooks shop 1f2e3d4c`. */
  mark: z.string(),
  /** Ids of the products that may have webhooks of the folder. */
  products: z.array(z.string()).readonly(),
});
const fileSchema = z.strictObject({ folders: z.record(z.string(), ownSchema) });

type OwnWebhooks = z.infer<typeof ownSchema>;

/** Within the 50 characters that Sign accepts. */
const MAX_PROJECT_LENGTH = 30;
const LOCK_TIMEOUT_MS = 15_000;

/** Undefined for a folder from which this user has created none. Throws `UserError` (6) for a file of another version. */
export async function ownWebhooks(userFolder: string, root: string): Promise<OwnWebhooks | undefined> {
  const folders = await readFolders(fileOf(userFolder));
  return folders.get(realPlace(root));
}

/** Records that a product may have webhooks of the folder. Resolves to their mark, which is random and stays the same. */
export async function recordProduct(userFolder: string, root: string, product: string): Promise<string> {
  const { mark } = await change(userFolder, root, (products) => [...new Set([...products, product])]);
  return mark;
}

export async function forgetProduct(userFolder: string, root: string, product: string): Promise<void> {
  await change(userFolder, root, (products) => products.filter((each) => each !== product));
}

function change(
  userFolder: string,
  root: string,
  edit: (products: readonly string[]) => readonly string[],
): Promise<OwnWebhooks> {
  const path = fileOf(userFolder);
  return withFileLock(`${path}.lock`, { waitMs: LOCK_TIMEOUT_MS }, async () => {
    const folders = await readFolders(path);
    const place = realPlace(root);
    const { mark = newMark(place), products = [] } = folders.get(place) ?? {};
    const own = { mark, products: edit(products) };
    await writePrivateJson(path, { folders: Object.fromEntries([...folders, [place, own]]) });
    return own;
  });
}

async function readFolders(path: string): Promise<Map<string, OwnWebhooks>> {
  const { data } = fileSchema.safeParse((await readPrivateJson(path)) ?? { folders: {} });
  if (data !== undefined) return new Map(Object.entries(data.folders));
  throw new UserError(
    "credentials",
    `${path} is not a file that this version of zoho-hooks can read`,
    "move the file away; webhooks that an earlier listen left behind then have to be deleted by hand: zoho-hooks webhooks list",
  );
}

function fileOf(userFolder: string): string {
  return join(userFolder, "webhooks.json");
}

function newMark(place: string): string {
  const project =
    basename(place)
      .replace(/[^\w.-]+/g, "-")
      .slice(0, MAX_PROJECT_LENGTH) || "root";
  return `zoho-hooks ${project} ${randomBytes(4).toString("hex")}`;
}
