import { request } from "node:http";
import { describe, expect, it } from "vitest";
import { runBin, startBin } from "../support/bin.ts";

interface Sample {
  readonly name: string;
  readonly body: Buffer;
  readonly contentType?: string;
}

const text = (name: string, body: string, contentType?: string): Sample => ({
  name,
  body: Buffer.from(body, "utf8"),
  ...(contentType === undefined ? {} : { contentType }),
});

const BOUNDARY = "----zoho-boundary";
const lead = '"module":"Leads","operation":"create"';
/** A body of exactly 1 MiB, the most that is accepted. */
const mebibyte = `{"fill":"${"x".repeat(1_048_576 - '{"fill":""}'.length)}"}`;

const corpus: readonly Sample[] = [
  text("white space", `\t{\n  ${lead} ,\r\n\t"ids" : [ "1" ]  }\n\n `),
  text("ids of 19 digits as numbers", `{${lead},"ids":[4876876000001402117,9007199254740993]}`),
  text("numbers in unusual forms", `{${lead},"a":1.0,"b":1e3,"c":-0,"d":0.10}`),
  text("a key twice", `{${lead},"ids":["1"],"ids":["2"]}`),
  text("escapes", `{${lead},"name":"\\u00e9\\/\\ud83d\\ude00"}`),
  text("text of many scripts", `{${lead},"name":"Zoë 渡辺 🦊 \u202e"}`),
  text("CRLF line ends", `{\r\n${lead}\r\n}\r\n`),
  text("a byte order mark", `\ufeff{${lead}}`),
  text("no object", "[1, 2, 3]"),
  text("text that is no JSON", "{ not json"),
  text("nothing", ""),
  { name: "bytes that are not UTF-8", body: Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]) },
  { name: "every byte", body: Buffer.from(Array.from({ length: 256 }, (_, i) => i)) },
  text(
    "a form",
    "module=Leads&ids=4876876000001402117&name=a+b%20c&empty=&name=twice",
    "application/x-www-form-urlencoded",
  ),
  text("JSON within a form", `payload=${encodeURIComponent(`{ ${lead} }`)}`, "application/x-www-form-urlencoded"),
  text(
    "multipart",
    `--${BOUNDARY}\r\ncontent-disposition: form-data; name="module"\r\n\r\nLeads\r\n--${BOUNDARY}--\r\n`,
    `multipart/form-data; boundary=${BOUNDARY}`,
  ),
  text("1 MiB", mebibyte),
];

function post(port: number, { body, contentType = "application/json" }: Sample): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": contentType, "content-length": body.length };
    const sending = request(
      { host: "127.0.0.1", port, method: "POST", path: "/webhooks/zoho/crm", headers },
      (response) => {
        response.resume().on("end", () => resolve(response.statusCode ?? 0));
      },
    );
    sending.on("error", reject);
    sending.end(body);
  });
}

/** What `listen --json` prints of a body, and what `verify --json` makes of that line. */
async function startThereAndBack() {
  const child = startBin(["listen", "--port", "0", "--json", "--no-store"]);
  const [, port] = await child.shown(/"url":"http:\/\/127\.0\.0\.1:(\d+)"/);
  let posted = 0;
  return async (sample: Sample) => {
    const status = await post(Number(port), sample);
    const [line] = await child.shown(new RegExp(`^\\{.*"type":"event","n":${++posted},.*\\}$`, "m"));
    const verified = await runBin(["verify", "-", "--json"], { stdin: `${line}\n` });
    return {
      status,
      event: JSON.parse(line) as Record<string, unknown>,
      exitCode: verified.status,
      verified: JSON.parse(verified.stdout || "{}") as Record<string, unknown>,
      error: verified.stderr,
    };
  };
}

describe("a body", { timeout: 60_000 }, () => {
  it("is reported by listen and accepted by verify byte for byte", async () => {
    const thereAndBack = await startThereAndBack();
    for (const sample of corpus) {
      const { name } = sample;
      const { status, event, exitCode, verified, error } = await thereAndBack(sample);
      expect(status, name).toBeLessThan(500);
      const wanted = sample.body.toString("base64");
      expect(event.body_b64 === wanted, `${name}: listen told ${String(event.body_b64).slice(0, 200)}`).toBe(true);
      expect(error, name).toBe("");
      expect([0, 4], name).toContain(exitCode);
      const taken = String(verified.body_b64).slice(0, 200);
      expect(verified.body_b64 === wanted, `${name}: verify took ${taken}`).toBe(true);
      expect([verified.product, verified.event], name).toEqual([event.product, event.event]);
      // `listen` also gives positions in the body; only `verify` says that a body is not an event.
      if (event.problem !== null) expect(event.problem, name).toContain(verified.problem);
      else expect(verified.problem ?? "not an event of", name).toContain("not an event of");
    }
  });

  it("keeps the digits of long numbers in the parsed view too", async () => {
    const thereAndBack = await startThereAndBack();
    const { event } = await thereAndBack(text("", `{${lead},"ids":[4876876000001402117]}`));
    expect(JSON.stringify(event.body)).toContain("4876876000001402117");
  });
});
