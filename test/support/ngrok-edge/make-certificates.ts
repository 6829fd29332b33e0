import { generate } from "selfsigned";

export interface Certificates {
  readonly caPem: string;
  readonly certPem: string;
  readonly keyPem: string;
}

/**
 * A CA and a leaf for `localhost`, 127.0.0.1 and other hosts that it has issued, made anew each time: no key lies in the repository.
 * The agent's TLS (rustls) refuses a certificate that is CA and leaf at once.
 */
export async function makeCertificates(hosts: readonly string[] = []): Promise<Certificates> {
  const ca = await generate([{ name: "commonName", value: "zoho-hooks test CA" }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const leaf = await generate([{ name: "commonName", value: "localhost" }], {
    keyType: "ec",
    algorithm: "sha256",
    ca: { key: ca.private, cert: ca.cert },
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
          ...hosts.map((value) => ({ type: 2 as const, value })),
        ],
      },
    ],
  });
  return { caPem: ca.cert, certPem: leaf.cert, keyPem: leaf.private };
}
