import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { headerValue, withHeader } from "../../src/delivery/delivery.ts";
import { noSecrets, type Secrets, secret } from "../../src/delivery/secrets.ts";
import type { Proof } from "../../src/model/product.ts";
import { signAgain } from "../../src/samples/prepare.ts";
import { guideSignature } from "../../src/signatures/body-signature.ts";
import { bodyToken } from "../../src/signatures/token.ts";

const now = new Date("2026-05-01T10:00:00Z");
const KEY = secret("key", "KEY");
const secrets: Secrets = { for: () => [KEY], all: () => [KEY] };
const delivery = {
  method: "POST",
  url: "http://localhost/",
  headers: [
    ["content-type", "application/json"],
    ["x-zoho-signature", "old"],
    ["x-timed", "t=1,v=old"],
  ],
  body: Buffer.from('{"token":"sender\'s own","id":4150868000000002179}'),
} as const;

/** A signature over a time and the body, as senders use against replays. */
const timed: Proof = {
  id: "timed",
  proves: "body",
  credential: "secret",
  title: "x-timed",
  header: "x-timed",
  sign: (each, key, at) => {
    const mac = createHmac("sha256", key.reveal()).update(`${at.getTime()}.`).update(each.body).digest("hex");
    return withHeader(each, "x-timed", `t=${at.getTime()},v=${mac}`);
  },
  verify: () => ({ id: "timed", proves: "body", verdict: "absent", reason: "" }),
};

const again = (proofs: readonly Proof[], changed: boolean, keys = secrets) =>
  signAgain({ delivery, product: "crm", format: { proofs }, changed, secrets: keys, now });

describe("signAgain", () => {
  it("leaves a signature over the same bytes alone", () => {
    const { delivery: same, notes } = again([bodyToken, guideSignature], false);
    expect(same).toEqual(delivery);
    expect(notes).toEqual([]);
  });

  it("signs a changed body, and leaves the token in it", () => {
    const { delivery: signed, notes } = again([bodyToken, guideSignature], true);
    expect(headerValue(signed, "x-zoho-signature")).toBe(
      createHmac("sha256", "key").update(delivery.body).digest("hex"),
    );
    expect(signed.body).toBe(delivery.body);
    expect(notes).toEqual(["signed again over the changed body, with KEY"]);
  });

  it("renews a signature with a time in it, whether the body was changed or not", () => {
    const { delivery: signed, notes } = again([guideSignature, timed], false);
    expect(headerValue(signed, "x-timed")).toMatch(`t=${now.getTime()},v=`);
    expect(headerValue(signed, "x-zoho-signature")).toBe("old");
    expect(notes).toEqual(["signed again with the current time, with KEY"]);
  });

  it("reports stale signatures where there is no secret", () => {
    expect(again([guideSignature], true, noSecrets)).toEqual({
      delivery,
      notes: [
        "x-zoho-signature is sent as received and no longer matches the body: no secret is configured to sign again",
      ],
    });
    expect(again([timed], false, noSecrets).notes).toEqual([
      "x-timed is sent as received and may be too old: no secret is configured to sign again",
    ]);
  });

  it("ignores a proof that the delivery never had", () => {
    const bare = { ...delivery, headers: [] };
    const input = { delivery: bare, product: "crm", format: { proofs: [guideSignature] }, changed: true, now };
    expect(signAgain({ ...input, secrets: noSecrets }).notes).toEqual([]);
  });
});
