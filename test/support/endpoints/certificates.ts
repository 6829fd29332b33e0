import { generate } from "selfsigned";

const DAY_MS = 86_400_000;

export interface Leaf {
  readonly key: string;
  readonly cert: string;
}

/** An authority for tests, and what it issues: a certificate for `host` that ends in so many days. */
export async function makeAuthority() {
  const ca = await generate([{ name: "commonName", value: "zoho-hooks check CA" }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return {
    cert: ca.cert,
    async issue(host: string, days: number): Promise<Leaf> {
      const leaf = await generate([{ name: "commonName", value: host }], {
        keyType: "ec",
        algorithm: "sha256",
        notBeforeDate: new Date(Date.now() - 60 * DAY_MS),
        notAfterDate: new Date(Date.now() + days * DAY_MS + DAY_MS / 2),
        ca: { key: ca.private, cert: ca.cert },
        extensions: [
          { name: "basicConstraints", cA: false, critical: true },
          { name: "extKeyUsage", serverAuth: true },
          { name: "subjectAltName", altNames: [{ type: 2, value: host }] },
        ],
      });
      return { key: leaf.private, cert: leaf.cert };
    },
  };
}
