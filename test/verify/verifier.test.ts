import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeKeySet } from "../../src/signatures/keys.ts";
import { run, tempFolder } from "../support/run.ts";
import { startTarget, type Target } from "../support/target.ts";
import { testKeys } from "../support/test-secrets.ts";

const keySet = writeKeySet(createPublicKey(testKeys.publicKey));
const otherSet = writeKeySet(generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey);
const INVOICE = '{"event":"invoice_created","data":{"invoice_id":"2761940000000418093"}}';
/** More than the inputs that are read before keys are fetched. */
const WITHOUT_TOKEN = `${INVOICE}\n`.repeat(60);

let server: Target;
/** What the server answers, as Zoho would. */
let served = keySet;
let withToken = "";

beforeEach(async () => {
  served = keySet;
  server = await startTarget((response) => void response.end(served));
  const argv = ["send", "desk", "Ticket_Add", "--format", "wire", "--dry-run", "--json"];
  withToken = (await run(argv, { env: { ZOHO_WEBHOOK_PRIVATE_KEY: testKeys.privateKey } })).out;
});
afterEach(() => server.close());

function verifier(cwd = tempFolder()) {
  return async (stdin: string, minutes = 0) => {
    const now = () => new Date(Date.now() + minutes * 60_000);
    const { lines } = await run(["verify", "--json"], {
      cwd,
      now,
      stdin,
      env: { ZOHO_WEBHOOK_JWKS: `${server.url}/keys` },
    });
    return lines()
      .filter(({ product }) => product === "desk")
      .map(({ outcome }) => outcome);
  };
}

describe("the public keys of verify", () => {
  it("are fetched when the first token comes, however late", async () => {
    expect(await verifier()(WITHOUT_TOKEN + withToken)).toEqual(["valid"]);
    expect(server.seen).toHaveLength(1);
  });

  it("are fetched again for a token of an unknown key, also when they were fetched late", async () => {
    for (const before of ["", WITHOUT_TOKEN]) {
      const verify = verifier();
      served = otherSet;
      expect(await verify(withToken)).toEqual(["wrong_signature"]);
      served = keySet;
      expect(await verify(before + withToken, 2)).toEqual(["valid"]);
    }
  });
});
