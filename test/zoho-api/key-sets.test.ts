import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { readdirSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type Secrets, secret } from "../../src/delivery/secrets.ts";
import { products } from "../../src/products/index.ts";
import { writeKeySet } from "../../src/signatures/keys.ts";
import { UserError } from "../../src/util/errors.ts";
import { openKeySets } from "../../src/zoho-api/key-sets.ts";
import { tempFolder } from "../support/run.ts";
import { testKeys } from "../support/test-secrets.ts";

const keySet = writeKeySet(createPublicKey(testKeys.publicKey));
const otherKey = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ type: "spki", format: "pem" });
const servers: Server[] = [];

afterEach(async () => {
  vi.restoreAllMocks();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(answer: RequestListener): Promise<{ url: string; requests: () => number }> {
  let count = 0;
  const server = createServer((request, response) => {
    count++;
    answer(request, response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/.well-known/jwks.json`, requests: () => count };
}

/** Opens the key sets that this value of ZOHO_WEBHOOK_JWKS names. */
function open(value: string, context: KeyContext) {
  const secrets: Secrets = {
    for: (credential) => (credential === "jwks" ? [secret(value, "ZOHO_WEBHOOK_JWKS")] : []),
    all: () => [],
  };
  return openKeySets(context, { env: {}, secrets }, products);
}

type KeyContext = Parameters<typeof openKeySets>[0];

function contextWith(more: Partial<KeyContext> = {}) {
  const messages: string[] = [];
  const context: KeyContext = {
    userFolder: tempFolder(),
    signal: new AbortController().signal,
    now: () => new Date("2025-01-15T10:30:00Z"),
    report: (report) => void ("message" in report && messages.push(report.message)),
    ...more,
  };
  return { ...context, messages };
}

async function failure(work: Promise<unknown>): Promise<UserError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof UserError)) throw new Error(`no UserError: ${error}`);
  return error;
}

describe("a key set", () => {
  it("is fetched from its URL once an hour, and names the URL", async () => {
    const server = await serve((_request, response) => response.end(keySet));
    const use = contextWith();
    const [first] = (await open(server.url, use)).secrets.for("jwks", "desk");
    expect(first?.reveal()).toBe(keySet);
    expect(first?.origin).toBe(`ZOHO_WEBHOOK_JWKS (${server.url})`);
    await open(server.url, { ...use, now: () => new Date("2025-01-15T11:29:00Z") });
    expect(server.requests()).toBe(1);
    await open(server.url, { ...use, now: () => new Date("2025-01-15T11:31:00Z") });
    expect(server.requests()).toBe(2);
  });

  it("of an earlier run is used, with a warning, if its URL does not answer", async () => {
    let isDown = false;
    const server = await serve((_request, response) => response.writeHead(isDown ? 503 : 200).end(keySet));
    const use = contextWith();
    await open(server.url, use);
    isDown = true;
    const later = await open(server.url, { ...use, now: () => new Date("2025-01-16T10:30:00Z") });
    expect(later.secrets.for("jwks", "desk")[0]?.reveal()).toBe(keySet);
    expect(use.messages).toEqual([expect.stringContaining("it answered 503")]);
  });

  it("that is damaged in the cache is fetched again", async () => {
    const server = await serve((_request, response) => response.end(keySet));
    const use = contextWith();
    await open(server.url, use);
    const cache = join(use.userFolder, "key-sets");
    for (const name of readdirSync(cache)) writeFileSync(join(cache, name), '{"at":1736937000000,');
    await open(server.url, use);
    expect(server.requests()).toBe(2);
  });

  it.each<[string, RequestListener, string]>([
    ["an error", (_, response) => response.writeHead(404).end("gone"), "it answered 404"],
    ["a redirect", (_, response) => response.writeHead(302, { location: "/keys" }).end(), "it answered 302"],
    ["no keys", (_, response) => response.end('{"keys":[]}'), "it has no RSA keys"],
    ["a page", (_, response) => response.end("<html>"), "it has no RSA keys"],
    ["too much", (_, response) => response.end("x".repeat(1024 * 1024 + 1)), "longer than 1048576 bytes"],
    ["nothing", (request) => request.socket.destroy(), "could not be fetched"],
  ])("stops the command if its URL answers with %s", async (_name, answer, reason) => {
    const server = await serve(answer);
    const error = await failure(open(server.url, contextWith()));
    expect(error.exitCode).toBe(6);
    expect(error.message).toContain(server.url);
    expect(error.message).toContain(reason);
  });

  it("is not waited for once the command is interrupted", async () => {
    const interrupt = new AbortController();
    const server = await serve(() => interrupt.abort());
    await expect(open(server.url, contextWith({ signal: interrupt.signal }))).rejects.toThrow("interrupted");
  });

  it("is used as it is if it is not a URL", async () => {
    const use = await open(keySet, contextWith());
    expect(use.secrets.for("jwks", "desk")[0]).toMatchObject({ origin: "ZOHO_WEBHOOK_JWKS" });
    expect(use.secrets.for("token", "desk")).toEqual([]);
  });

  it.each([
    ["no-such-file.json", "is not a key set", "us, eu, in"],
    ["http://keys.example.com/jwks.json", "over plain http can be forged", "https://"],
    ["ftp://keys.example.com/jwks.json", "is not a key set", "https://"],
  ])("given as %s is rejected before the server starts", async (value, message, hint) => {
    const error = await failure(open(value, contextWith()));
    expect(error.exitCode).toBe(2);
    expect(error.message).toContain(message);
    expect(error.hint).toContain(hint);
  });

  it("of a data centre is at Desk's host there", () => {
    const desk = products.find(({ id }) => id === "desk");
    const sets = desk?.formats.flatMap(({ proofs }) =>
      proofs.flatMap((proof) => ("keySets" in proof ? [proof.keySets] : [])),
    );
    expect(sets?.[0]).toMatchObject({
      us: "https://desk.zoho.com/.well-known/jwks.json",
      au: "https://desk.zoho.com.au/.well-known/jwks.json",
    });
  });
});

describe("a key set with keys that change", () => {
  const other = writeKeySet(createPublicKey(otherKey));
  const at = (time: string) => new Date(`2025-01-15T${time}Z`);

  it("is fetched again for an unknown key, by one request for all waiters, at most once a minute", async () => {
    let text = keySet;
    const server = await serve((_request, response) => setTimeout(() => response.end(text), 20));
    let now = at("10:30:00");
    const use = contextWith({ now: () => now });
    const keys = await open(server.url, use);
    text = other;
    now = at("10:30:59");
    expect(await keys.renew("desk")).toBe(false);
    now = at("10:31:00");
    expect(await Promise.all([keys.renew("desk"), keys.renew("desk"), keys.renew("desk")])).toEqual([true, true, true]);
    expect(server.requests()).toBe(2);
    expect(keys.secrets.for("jwks", "desk")[0]?.reveal()).toBe(other);
    expect(use.messages).toEqual([expect.stringContaining("have changed")]);
    now = at("10:31:59");
    expect(await keys.renew("desk")).toBe(false);
    now = at("10:32:00");
    expect(await keys.renew("desk")).toBe(false);
    expect(server.requests()).toBe(3);
    expect(await keys.renew("crm")).toBe(false);
    const next = await open(server.url, use);
    expect(next.secrets.for("jwks", "desk")[0]?.reveal()).toBe(other);
    expect(server.requests()).toBe(3);
  });

  it("that was cached by an earlier run is fetched at once for a key that is not in it", async () => {
    let text = keySet;
    const server = await serve((_request, response) => response.end(text));
    const use = contextWith();
    await open(server.url, use);
    text = other;
    const later = await open(server.url, { ...use, now: () => at("11:00:00") });
    expect(await later.renew("desk")).toBe(true);
  });

  it("stays in use, with a warning, if the new one does not come in time", async () => {
    let isSilent = false;
    const server = await serve((_request, response) => (isSilent ? undefined : response.end(keySet)));
    let now = at("10:30:00");
    const use = contextWith({ now: () => now });
    const keys = await open(server.url, use);
    isSilent = true;
    now = at("10:40:00");
    const wait = globalThis.setTimeout;
    const shortened = (callback: () => void, ms?: number) => wait(callback, ms === 3_000 ? 30 : ms);
    vi.spyOn(globalThis, "setTimeout").mockImplementation(shortened as typeof setTimeout);
    expect(await keys.renew("desk")).toBe(false);
    expect(keys.secrets.for("jwks", "desk")[0]?.reveal()).toBe(keySet);
    expect(use.messages).toEqual([
      expect.stringMatching(`could not be fetched again from ${server.url}.*no answer in 3 s`),
    ]);
  });
});
