import { createPublicKey } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import type { Product } from "../../src/model/product.ts";
import { products } from "../../src/products/index.ts";
import { type Unsigned, unsignedTexts } from "../../src/recognition/unsigned.ts";
import { writeKeySet } from "../../src/signatures/keys.ts";
import { startChannelWorld } from "../support/channel-world.ts";
import { folderWith } from "../support/files.ts";
import { startListener } from "../support/listener.ts";
import { run, tempFolder } from "../support/run.ts";
import { testKeys } from "../support/test-secrets.ts";

const SECRET = { ZOHO_WEBHOOK_SECRET: "a-shared-secret" };
const TOKEN = { ZOHO_WEBHOOK_TOKEN: "a-shared-token" };
const JWKS = { ZOHO_WEBHOOK_JWKS: writeKeySet(createPublicKey(testKeys.publicKey)) };
const OTHERS = { ZOHO_WEBHOOK_PUBLIC_KEY: testKeys.publicKey, ZOHO_WEBHOOK_HOOK_SECRET: "a-hook-secret" };

const known: readonly Product[] = products;

interface SetUp {
  readonly env?: Readonly<Record<string, string>>;
  readonly settings?: object;
}

interface SentRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: [string, string][];
  readonly body_b64: string;
}

/** Deliveries of each format without a signature, by `desk guide`. */
const samples: (readonly [name: string, request: SentRequest])[] = [];

beforeAll(async () => {
  const byFormat = new Map<string, SentRequest>();
  for (const format of [[], ["--format", "guide"]]) {
    const argv = ["send", "--all", "--dry-run", "--json", "--to", "1", ...format];
    const { lines } = await run(argv, { cwd: tempFolder() });
    for (const { type, product, format: id, request } of lines())
      if (type === "sent") byFormat.set(`${product} ${id}`, request as SentRequest);
  }
  samples.push(...byFormat);
  for (const { id, formats } of known) {
    const custom = formats.find(({ body }) => body.customEvent !== undefined);
    if (custom === undefined) continue;
    const url = `http://localhost/webhooks/zoho/${id}`;
    const headers: [string, string][] = [["content-type", "application/json"]];
    samples.push([`${id} ${custom.id}`, { url, method: "POST", headers, body_b64: btoa('{"hello":1}') }]);
  }
});

/** What `listen` says that it accepts unsigned, and the names of the samples that it does accept. */
async function listen({ env = {}, settings = {} }: SetUp) {
  const cwd = folderWith({ "zoho-hooks.config.json": JSON.stringify(settings) });
  const listener = await startListener(["--no-store"], { cwd, env });
  const { unsigned } = (await listener.line("ready")) as { unsigned?: readonly Unsigned[] };
  const health = (await (await fetch(`${listener.url}/healthz`)).json()) as { unsigned?: readonly Unsigned[] };
  expect(inOrder(health.unsigned)).toEqual(inOrder(unsigned));
  const accepted: string[] = [];
  for (const [name, { url, method, headers, body_b64 }] of samples) {
    const { pathname, search } = new URL(url);
    const body = method === "GET" ? {} : { body: Buffer.from(body_b64, "base64") };
    const { status } = await fetch(listener.url + pathname + search, { method, headers, ...body });
    if (status === 200) accepted.push(name);
  }
  await listener.stop();
  return { unsigned: unsigned ?? [], accepted };
}

function inOrder(unsigned: readonly Unsigned[] = []): readonly string[] {
  return unsigned.map(({ product, reason, only }) => `${product} ${reason} ${only}`).toSorted();
}

/** The samples that it is about. */
function samplesOf({ product, only }: Unsigned): readonly string[] {
  const formats = known.find(({ id }) => id === product)?.formats ?? [];
  return formats
    .filter(({ id, body }) => {
      if (only === "custom bodies") return body.customEvent !== undefined;
      return only === undefined || only === `format ${id}`;
    })
    .map(({ id }) => `${product} ${id}`);
}

describe("what is accepted unsigned", () => {
  const guide = { desk: { format: "guide" }, forms: { format: "guide" } };
  const auth = { forms: { auth: { header: "x-key" } } };

  it.each<readonly [string, SetUp]>([
    ["no key", {}],
    ["every kind of key", { env: { ...SECRET, ...TOKEN, ...JWKS, ...OTHERS } }],
    ["a secret and a token", { env: { ...SECRET, ...TOKEN } }],
    ["a secret", { env: SECRET }],
    ["a token", { env: TOKEN }],
    ["a key set of Desk", { env: JWKS }],
    ["a secret of Forms", { env: { ZOHO_WEBHOOK_SECRET_FORMS: "a-secret-of-forms" } }],
    ["the guide's format", { env: SECRET, settings: { products: guide } }],
    ["custom bodies of CRM", { env: TOKEN, settings: { allowUnsigned: ["crm"] } }],
    ["a fixed value for Forms", { env: { ZOHO_WEBHOOK_AUTH: "a-value" }, settings: { products: auth } }],
    ["a fixed value for Forms that is not set", { settings: { products: auth } }],
  ])("is named, and nothing else, with %s", async (_, setUp) => {
    const { unsigned, accepted } = await listen(setUp);
    const named = unsigned.map(samplesOf);
    expect(accepted.filter((each) => !named.flat().includes(each))).toEqual([]);
    expect(named.filter((names) => !names.some((each) => accepted.includes(each)))).toEqual([]);
  });

  it("is nothing of Desk's with its key set, in whichever format", async () => {
    const listener = await startListener(["--no-store"], { cwd: tempFolder(), env: JWKS });
    const { unsigned } = (await listener.line("ready")) as { unsigned?: readonly Unsigned[] };
    const [, sample] = samples.find(([name]) => name === "desk guide") ?? [];
    const body = Buffer.from(sample?.body_b64 ?? "", "base64").toString();
    const { status, text } = await listener.post("/webhooks/zoho/desk", body);
    const unchecked = await listener.post("/webhooks/zoho/desk", body, { "x-zoho-signature": "0f".repeat(32) });
    const other = await listener.post("/webhooks/zoho/desk", '{"hello":1}');
    await listener.stop();
    expect(unsigned?.filter(({ product }) => product === "desk")).toEqual([]);
    expect([status, unchecked.status, other.status]).toEqual([401, 401, 401]);
    expect(text).toBe("desk-token: keys are configured, but there is no X-ZDesk-JWT header");
  });

  it("are the other channels of a product whose channels have tokens", async () => {
    const world = await startChannelWorld();
    await world.create("--id", "1", "--url", "https://a.example/webhooks/zoho/crm");
    const listener = await startListener(["--no-store"], { cwd: world.cwd, now: world.clock.now });
    const { unsigned } = (await listener.line("ready")) as { unsigned?: readonly Unsigned[] };
    const [, sample] = samples.find(([name]) => name === "crm wire") ?? [];
    const body = Buffer.from(sample?.body_b64 ?? "", "base64").toString();
    const statusOf = async (channel: string): Promise<number> =>
      (await listener.post("/webhooks/zoho/crm", body.replace(/"channel_id":"?\d+"?/, `"channel_id":"${channel}"`)))
        .status;
    const statuses = [await statusOf("1"), await statusOf("2")];
    await listener.stop();
    await world.close();
    expect(unsigned?.find(({ product }) => product === "crm")?.only).toBe("other channels");
    expect(statuses).toEqual([401, 200]);
  });

  it("has a reason", async () => {
    const settings = { products: { desk: {}, ...auth }, allowUnsigned: ["crm"] };
    const { unsigned } = await listen({ env: { ...SECRET, ...TOKEN }, settings });
    expect(unsignedTexts(unsigned)).toEqual([
      "no key set: desk, forms, mail, salesiq, cliq",
      "allowed: crm (custom bodies)",
      "never signed: creator, projects, survey, analytics, campaigns, people, sprints, flow, signals, commerce, connect",
    ]);
  });
});
