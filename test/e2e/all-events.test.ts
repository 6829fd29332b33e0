import { describe, expect, it } from "vitest";
import { products } from "../../src/products/index.ts";
import { type BinChild, runBin, startBin } from "../support/bin.ts";
import { startFlipProxy } from "../support/flip-proxy.ts";

type Line = Readonly<Record<string, unknown>>;

const env = { ZOHO_WEBHOOK_SECRET: "a-secret", ZOHO_WEBHOOK_TOKEN: "a-token" };

async function startListen(): Promise<{ child: BinChild; port: number }> {
  const child = startBin(["listen", "--port", "0", "--json", "--no-store"], { env });
  const [, port] = await child.shown(/"url":"http:\/\/127\.0\.0\.1:(\d+)"/);
  return { child, port: Number(port) };
}

async function stop(child: BinChild): Promise<{ status: number | null; events: Line[]; summary: Line | undefined }> {
  child.kill("SIGINT");
  const { status, stdout } = await child.ended;
  const lines = parsed(stdout);
  return {
    status,
    events: lines.filter(({ type }) => type === "event"),
    summary: lines.find(({ type }) => type === "summary"),
  };
}

async function sendAll(port: number, ...flags: readonly string[]): Promise<{ status: number | null; sent: Line[] }> {
  const { status, stdout } = await runBin(["send", "--all", "--to", String(port), "--json", ...flags], { env });
  return { status, sent: parsed(stdout).filter(({ type }) => type === "sent") };
}

function parsed(ndjson: string): Line[] {
  return ndjson
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

interface Signature {
  readonly result: string;
}

function isVerified({ result }: Signature): boolean {
  return result === "verified";
}

function isWrong({ result }: Signature): boolean {
  return result === "wrong_signature" || result === "missing_signature";
}

describe("every event of every product", { timeout: 60_000 }, () => {
  it.each([
    ["what Zoho posts", [], products.length],
    ["the guide's", ["--format", "guide"], 11],
  ])("arrives known, in shape and verified where there is a key: %s", async (_, flags, count) => {
    const { child, port } = await startListen();
    const { status, sent } = await sendAll(port, ...flags);
    expect(status).toBe(0);
    expect(sent.length).toBeGreaterThan(80);
    const { status: ended, events, summary } = await stop(child);
    expect(ended).toBe(0);
    expect(events).toHaveLength(sent.length);
    expect(new Set(events.map(({ product }) => product)).size).toBe(count);
    const wrong = events.filter((event) => {
      const { known, schema, custom, status: answered } = event;
      const signatures = event.signatures as Signature[];
      const verified =
        event.format === "guide"
          ? signatures.length > 0 && signatures.every(isVerified)
          : // Some of the others are signed with a secret of their own, which is not given here.
            !signatures.some(isWrong);
      return !(known === true && (custom === true || (schema as Line).ok === true) && answered === 200 && verified);
    });
    expect(wrong).toEqual([]);
    const custom = events.filter((event) => event.custom === true).length;
    const valid = sent.length - custom;
    expect(summary).toMatchObject({ received: sent.length, valid, custom, rejected: 0, duplicates: 0 });
  });

  it("is refused, where its format is signed with the secret, when one bit of its body was changed on the way", async () => {
    const { child, port } = await startListen();
    const proxy = await startFlipProxy(port);
    const { status, sent } = await sendAll(proxy.port, "--format", "guide");
    expect(status).toBe(5);
    expect(sent.length).toBeGreaterThan(80);
    expect(sent.filter(({ status: answered }) => answered !== 401 && answered !== 400)).toEqual([]);
    // Most changes leave valid JSON behind: there it is the signature that tells.
    expect(sent.filter(({ status: answered }) => answered === 401).length).toBeGreaterThan(sent.length / 2);
    const { events } = await stop(child);
    expect(events.filter(({ refusal }) => refusal === null)).toEqual([]);
    await proxy.close();
  });
});
