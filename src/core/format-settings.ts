import { z } from "zod";
import { HEADER_NAME } from "../body/delivery.ts";

/** What a user can say of a product whose webhooks are the user's own design, or whose proof names its receiver. */
export function formatSettings() {
  return z.strictObject({
    /** How the sender was told to write the body; `query` is a GET without one. */
    encoding: z.enum(["json", "form", "multipart", "query"]).optional(),
    /** Where the sender was told to put a fixed value that shows who it is. The value itself is a secret of its own. */
    auth: z
      .union([
        z.strictObject({ header: headerName() }),
        z.strictObject({ parameter: z.string().min(1) }),
        z.strictObject({ basic: z.string().regex(/^[^:]+$/, "a user name without a colon") }),
      ])
      .optional(),
    /** Where the sender was told to write what happened, for bodies that do not say. */
    event: z.union([z.strictObject({ header: headerName() }), z.strictObject({ query: z.string().min(1) })]).optional(),
    /** Who a token must have been made by and for: `orgId:60017843`, `webhookId:189200000000321001`. */
    issuer: z.string().min(1).optional(),
    audience: z.string().min(1).optional(),
  });
}

function headerName() {
  return z.string().regex(HEADER_NAME, "the name of a header");
}

export interface FormatSettings extends Readonly<z.infer<ReturnType<typeof formatSettings>>> {
  /** What a body of the user's own design must be. */
  readonly schema?: z.ZodType | undefined;
}
export type Encoding = NonNullable<FormatSettings["encoding"]>;
export type AuthPlace = NonNullable<FormatSettings["auth"]>;
