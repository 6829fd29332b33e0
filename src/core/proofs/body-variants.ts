/** What a body may have been before something on its way changed it, each with what that would mean. */
export interface BodyVariant {
  readonly id: string;
  readonly body: Buffer;
  readonly meaning: string;
  readonly remedy: string;
}

const BOM = Buffer.from([0xef, 0xbb, 0xbf]);
const KEEP_RAW = "hand the raw request bytes to the check, before any body parser or editor touches them";

/** The body as `JSON.stringify(JSON.parse(text))` writes it; undefined where it is not JSON or is in that form already. */
export function reserialised(text: string | undefined): Buffer | undefined {
  if (text === undefined) return undefined;
  try {
    const compact = JSON.stringify(JSON.parse(text));
    return compact === text ? undefined : Buffer.from(compact);
  } catch {
    return undefined;
  }
}

/** Every known corruption undone, one at a time. The body itself is not among them. */
export function bodyVariants(body: Buffer, text: string | undefined): readonly BodyVariant[] {
  const latin1 = body.toString("latin1");
  const variants: BodyVariant[] = [];
  const add = (id: string, changed: Buffer | undefined, meaning: string, remedy = KEEP_RAW): void => {
    if (changed !== undefined && !changed.equals(body)) variants.push({ id, body: changed, meaning, remedy });
  };
  const raw = (changed: string): Buffer => Buffer.from(changed, "latin1");
  add(
    "reserialised",
    reserialised(text),
    "the signature is over the body parsed and serialised again (JSON.stringify)",
  );
  add("indented-2", indented(text, 2), "the signature is over the body indented by two spaces");
  add("indented-4", indented(text, 4), "the signature is over the body indented by four spaces");
  add(
    "newline-added",
    raw(latin1.replace(/\r?\n$/, "")),
    "a newline was added at the end of the body after it was signed",
  );
  add("newline-removed", raw(`${latin1}\n`), "a newline at the end of the body was removed after it was signed");
  add("crlf-from-lf", raw(latin1.replace(/\r\n/g, "\n")), "line ends were turned from LF into CRLF after signing");
  add("lf-from-crlf", raw(latin1.replace(/\r?\n/g, "\r\n")), "line ends were turned from CRLF into LF after signing");
  add(
    "bom-added",
    body.subarray(0, 3).equals(BOM) ? body.subarray(3) : undefined,
    "a byte order mark was put before the body after signing",
  );
  add(
    "bom-removed",
    Buffer.concat([BOM, body]),
    "a byte order mark at the start of the body was removed after signing",
  );
  add("empty", Buffer.alloc(0), "the signature is over an empty body");
  return variants;
}

function indented(text: string | undefined, spaces: number): Buffer | undefined {
  if (text === undefined) return undefined;
  try {
    return Buffer.from(JSON.stringify(JSON.parse(text), undefined, spaces));
  } catch {
    return undefined;
  }
}
