import { join } from "node:path";
import { z } from "zod/v4";
import { HEADER_NAME } from "../../core/delivery.ts";
import { formatSettings } from "../../core/format-settings.ts";
import type { EventPlace } from "../../core/own-product.ts";
import type { Proof } from "../../core/product.ts";
import { bodySignature } from "../../core/proofs/body-signature.ts";
import { financeSignature } from "../../core/proofs/finance-signature.ts";
import { guideSignature } from "../../core/proofs/guide-signature.ts";
import { parsePath } from "../../core/set-path.ts";
import { fileError, parseJsonFile, readText } from "../json-file.ts";
import { EVENT_NAME_RULE, isFileName } from "./event-file-name.ts";

/** Signatures of Zoho's own design, by name. */
const SCHEMES = { guide: guideSignature, finance: financeSignature } as const satisfies Readonly<Record<string, Proof>>;

/** What `product.json` may say. All of it may be left out where there is one event only, sent as JSON and not signed. */
function productFile() {
  const header = z.string().regex(HEADER_NAME, "the name of a header");
  const path = z.string().min(1).refine(isPath, { error: "a path such as data.type or items[0].kind" });
  const place = [
    z.strictObject({ body: path }),
    z.strictObject({ header }),
    z.strictObject({ query: z.string().min(1) }),
  ];
  const schemes = Object.keys(SCHEMES).map((name) => JSON.stringify(name));
  return z.strictObject({
    $schema: z.string().optional(),
    title: z.string().min(1).optional(),
    /** Where a delivery says which event it is: a path in the body, or a header or query key. */
    event: z
      .union([path, ...place], {
        error: 'a path in the body such as "data.type", or { "header": … } or { "query": … }',
      })
      .optional(),
    /** What happened, by event. */
    events: z.record(z.string(), z.string()).optional(),
    encoding: formatSettings().shape.encoding,
    auth: formatSettings().shape.auth,
    signature: z
      .union(
        [
          z.enum(["guide", "finance"]),
          z.strictObject({
            header,
            algorithm: z.enum(["sha256", "sha1", "sha512"]).optional(),
            encoding: z.enum(["hex", "base64"]).optional(),
            prefix: z.string().optional(),
          }),
        ],
        { error: `${schemes.join(" or ")}, or { "header": …, "encoding": "hex" or "base64", "algorithm", "prefix" }` },
      )
      .optional(),
    /** Beside POST. */
    methods: z.array(z.enum(["GET", "PUT", "PATCH", "DELETE"])).optional(),
    /** Where the ids of its records stand. */
    records: z.union([path, z.array(path)], { error: 'a path such as "order.id", or a list of them' }).optional(),
  });
}

export type ProductFile = z.infer<ReturnType<typeof productFile>>;

/** `product.json` of a folder; what every default is where there is none. */
export function readProductFile(folder: string): ProductFile {
  const path = join(folder, "product.json");
  const text = readText(path);
  if (text === undefined) return {};
  const schema = productFile();
  const result = schema.safeParse(parseJsonFile(text, path));
  if (result.success) {
    const wrong = Object.keys(result.data.events ?? {}).find((name) => !isFileName(name));
    if (wrong === undefined) return result.data;
    throw fileError(text, path, ["events", wrong], EVENT_NAME_RULE);
  }
  const [issue] = result.error.issues;
  const unknown = issue?.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  if (unknown === undefined)
    throw fileError(text, path, issue?.path ?? [], issue?.message.replace(/^Invalid input: /, "") ?? "not valid");
  const hint = `possible settings: ${Object.keys(schema.shape).join(", ")}`;
  throw fileError(text, path, [...(issue?.path ?? []), unknown], "there is no such setting", hint);
}

export function eventPlace({ event }: ProductFile): EventPlace | undefined {
  if (typeof event === "string") return { body: parsePath(event) };
  return event !== undefined && "body" in event ? { body: parsePath(event.body) } : event;
}

export function recordPaths({ records }: ProductFile) {
  return records === undefined ? undefined : [records].flat().map(parsePath);
}

export function signatureOf({ signature }: ProductFile): Proof | undefined {
  if (signature === undefined) return undefined;
  if (typeof signature === "string") return SCHEMES[signature];
  const { algorithm, encoding = "hex", prefix } = signature;
  const header = signature.header.toLowerCase();
  const scheme = { id: "body-signature", header, credential: "secret", key: "secret" } as const;
  return { ...bodySignature({ ...scheme, ...{ algorithm, encoding, prefix } }), secretIn: header };
}

function isPath(text: string): boolean {
  try {
    return parsePath(text).length > 0;
  } catch {
    return false;
  }
}
