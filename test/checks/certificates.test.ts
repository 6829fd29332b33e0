import type { TlsOptions } from "node:tls";
import { beforeAll, describe, expect, it } from "vitest";
import { type Endpoint, openEndpoint } from "../../src/checks/endpoint/endpoint.ts";
import { reachability } from "../../src/checks/endpoint/reachability.ts";
import { checks, createRunner } from "../../src/checks/endpoint/run.ts";
import type { Subject } from "../../src/checks/endpoint/samples.ts";
import { crm } from "../../src/products/crm.ts";
import { sleepRealTime } from "../../src/util/timing.ts";
import { makeAuthority } from "../support/endpoints/certificates.ts";
import { startEndpoint } from "../support/endpoints/good.ts";
import { selfSigned } from "../support/self-signed.ts";
import { closeAfterEach, closeLater } from "../support/send.ts";
import { testSecrets } from "../support/test-secrets.ts";

closeAfterEach();

let authority: Awaited<ReturnType<typeof makeAuthority>>;
beforeAll(async () => {
  authority = await makeAuthority();
});

async function endpointWith(tls: TlsOptions, host = "localhost"): Promise<Endpoint> {
  const { port } = closeLater(await startEndpoint({ tls }));
  const sample = { event: "Leads.create", data: { module: "Leads", operation: "create" }, records: [] };
  const subject: Subject = {
    product: crm,
    format: crm.formats[0],
    url: `https://${host}:${port}/webhooks/zoho/crm`,
    sample,
    secrets: testSecrets,
    deadlineMs: 2000,
  };
  return closeLater(
    await openEndpoint(subject, {
      env: {},
      now: () => new Date(),
      sleep: sleepRealTime,
      signal: new AbortController().signal,
      ca: authority.cert,
    }),
  );
}

/** The checks of the network that did not pass. */
async function findings(endpoint: Endpoint): Promise<readonly string[]> {
  const { run } = createRunner(endpoint);
  const found: string[] = [];
  for (const check of reachability.filter(
    ({ after, applies }) => after === "nothing" && applies?.(endpoint.subject) !== false,
  )) {
    const { outcome, text } = await run(check);
    if (outcome === "failed" || outcome === "warning") found.push(`${outcome} ${check.id}: ${text}`);
  }
  return found;
}

describe("a TLS server with", () => {
  it("a valid certificate passes", async () => {
    expect(await findings(await endpointWith(await authority.issue("localhost", 90)))).toEqual([]);
  });

  it("a certificate that ends soon gets a warning", async () => {
    const found = await findings(await endpointWith(await authority.issue("localhost", 9)));
    expect(found).toEqual(["warning reachability.expiry: it ends in 9 days"]);
  });

  it("an expired certificate is caught", async () => {
    const found = await findings(await endpointWith(await authority.issue("localhost", -3)));
    expect(found).toEqual([expect.stringMatching(/^failed reachability\.expiry: it ended on \d{4}-/)]);
  });

  it("a certificate of another host is caught", async () => {
    const found = await findings(await endpointWith(await authority.issue("other.example", 90)));
    expect(found).toEqual(["failed reachability.host-name: the certificate is for another host"]);
  });

  it("a self-signed certificate is caught", async () => {
    const found = await findings(await endpointWith(selfSigned));
    expect(found).toEqual(["failed reachability.certificate: the chain is not trusted: depth zero self signed cert"]);
  });

  it("an old protocol is caught and named", async () => {
    const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
    const found = await findings(await endpointWith({ ...(await authority.issue("localhost", 90)), ...old }));
    expect(found).toEqual(["failed reachability.tls-version: it speaks nothing newer than TLSv1.1"]);
  });
});

describe("an invalid certificate", () => {
  it("keeps everything from being sent, but to this machine", async () => {
    const delivery = checks.find(({ id }) => id === "protocol.valid-delivery");
    if (delivery === undefined) throw new Error("no such check");
    const here = await endpointWith(selfSigned);
    expect((await createRunner(here).run(delivery)).outcome).not.toBe("skipped");
    // A name for this machine that is not known as one.
    const elsewhere = await endpointWith(selfSigned, "[::ffff:127.0.0.1]");
    expect(await createRunner(elsewhere).run(delivery)).toMatchObject({
      outcome: "skipped",
      text: "the certificate is not valid, so nothing is sent",
    });
  });
});
