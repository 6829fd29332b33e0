import { z } from "zod";
import { HEADER_NAME } from "../delivery/delivery.ts";

/** Settings for webhooks that a user designs, or whose proof names its receiver. */
export function formatSettings() {
  return z.strictObject({
    /** How the sender writes the body; `query` is a GET without one. */
    encoding: z.enum(["json", "form", "multipart", "query"]).optional(),
    /** Place of a fixed value that identifies the sender. The value itself is a separate secret. */
    auth: z
      .union([
        z.strictObject({ header: headerName() }),
        z.strictObject({ parameter: z.string().min(1) }),
        z.strictObject({ basic: z.string().regex(/^[^:]+$/, "a user name without a colon") }),
      ])
      .optional(),
    /** Place of the event's name, for bodies that have none. */
    event: z.union([z.strictObject({ header: headerName() }), z.strictObject({ query: z.string().min(1) })]).optional(),
    /** The required issuer and audience of a token: `orgId:60017843`, `webhookId:189200000000321001`. */
    issuer: z.string().min(1).optional(),
    audience: z.string().min(1).optional(),
  });
}

function headerName() {
  return z.string().regex(HEADER_NAME, "the name of a header");
}

export interface FormatSettings extends Readonly<z.infer<ReturnType<typeof formatSettings>>> {
  /** For a custom body. */
  readonly schema?: z.ZodType | undefined;
}
export type Encoding = NonNullable<FormatSettings["encoding"]>;
export type AuthPlace = NonNullable<FormatSettings["auth"]>;
