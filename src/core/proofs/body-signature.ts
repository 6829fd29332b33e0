import { createHmac } from "node:crypto";
import { type Delivery, headerValue, withHeader } from "../delivery.ts";
import type { Proof } from "../product.ts";
import { type Credential, type Secret, sameText } from "../secret.ts";
import { type BodyVariant, reserialised } from "./body-variants.ts";
import { explainHmac } from "./explain-hmac.ts";
import { judgeHeader } from "./header-present.ts";

interface BodySignature {
  readonly id: string;
  readonly header: string;
  readonly credential: Credential;
  /** What people call the credential: `secret`, `hook secret`. */
  readonly key: string;
  /** When a genuine delivery lacks the header, if that is known. */
  readonly exception?: string;
  /** What else is worth saying of a delivery that passed. */
  remark?(delivery: Delivery, now: Date): string | undefined;
  /** Other bytes that such a signature might cover. */
  readings?(delivery: Delivery): readonly BodyVariant[];
}

/** A header with the base64 of HMAC-SHA256 over the raw body, keyed with the secret as text. */
export function bodySignature(scheme: BodySignature): Proof {
  const { id, header, credential, key, exception } = scheme;
  const proves = "body" as const;
  return {
    id,
    proves,
    credential,
    header,
    title: `${header}: HMAC-SHA256 of the body, base64`,
    sign: (delivery, secret) => withHeader(delivery, header, hmac(delivery.body, secret)),
    verify(delivery, payload, secrets, now) {
      return judgeHeader(
        { id, proves, header, key, exception },
        headerValue(delivery, header),
        secrets,
        (signature) => {
          const matching = (body: Buffer): Secret | undefined =>
            secrets.find((secret) => sameText(signature.trim(), hmac(body, secret)));
          const match = matching(delivery.body);
          if (match !== undefined) {
            const remark = scheme.remark?.(delivery, now);
            return {
              verdict: "passed",
              reason: `signed with ${match.origin}${remark === undefined ? "" : `; ${remark}`}`,
            };
          }
          const compact = reserialised(payload.text);
          if (compact !== undefined && matching(compact) !== undefined) {
            return {
              verdict: "failed",
              match: "reserialised",
              reason:
                "does not match these bytes, but matches the body parsed and serialised again: something between signer and here changed white space or numbers",
            };
          }
          if (!/^[A-Za-z0-9+/]{43}=$/.test(signature.trim()))
            return { verdict: "failed", reason: `${header} is not 32 bytes in base64` };
          return {
            verdict: "failed",
            reason: "the signature does not match the body: another secret, or changed bytes",
          };
        },
      );
    },
    explain(delivery, payload, secrets, product) {
      return explainHmac({
        algorithm: "sha256",
        encoding: "base64",
        body: delivery.body,
        text: payload.text,
        readings: scheme.readings?.(delivery) ?? [],
        signature: headerValue(delivery, header),
        header,
        configured: secrets.for(credential, product),
        others: secrets.all(),
      });
    },
  };
}

function hmac(body: Buffer, secret: Secret): string {
  return createHmac("sha256", secret.reveal()).update(body).digest("base64");
}
