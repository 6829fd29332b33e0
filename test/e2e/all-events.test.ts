import { describe, expect, it } from "vitest";
import { products } from "../../src/products/index.ts";
import { type BinChild, runBin, startBin } from "../support/bin.ts";
import { startFlipProxy } from "../support/flip-proxy.ts";

const env = { ZOHO_WEBHOOK_SECRET: "a-secret", ZOHO_WEBHOOK_TOKEN: "a-token" };

async function startListen(): Promise<{ child: BinChild; port: number }> {
  const child = startBin(["listen", "--port", "0", "--json", "--no-store"], { env });
  const [, port] = await child.shown(/"url":"http:\/\/127\.0\.0\.1:(\d+)"/);
  return { child, port: Number(port) };
}

async function sendAll(port: number) {
  const result = await runBin(["send", "--all", "--to", String(port), "--json"], { env });
  const lines = result.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { ...result, sent: lines.filter(({ type }) => type === "sent") };
}

describe("every event of every product", { timeout: 60_000 }, () => {
  it("arrives valid, signature, token and schema", async () => {
    const { child, port } = await startListen();
    const { status, sent } = await sendAll(port);
    expect(status).toBe(0);

    expect(sent.length).toBeGreaterThan(80);
    child.kill("SIGINT");
    const { status: ended, stdout } = await child.ended;
    expect(ended).toBe(0);
    const events = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ type }) => type === "event");
    const notValid = events.filter(({ proofs, schema, status: answered, known }) => {
      const verdicts = (proofs as { verdict: string }[]).map(({ verdict }) => verdict);
      const proved = verdicts.length > 0 && verdicts.every((verdict) => verdict === "passed");
      return !(proved && (schema as { ok: boolean }).ok && answered === 200 && known === true);
    });
    expect(notValid).toEqual([]);
    expect(events).toHaveLength(sent.length);
    expect(new Set(events.map(({ product }) => product)).size).toBe(products.length);
  });

  it("is refused when one bit of its body was changed on the way", async () => {
    const { child, port } = await startListen();
    const proxy = await startFlipProxy(port);
    const { status, sent } = await sendAll(proxy.port);
    expect(status).toBe(5);
    expect(sent.filter(({ status: answered }) => answered !== 401 && answered !== 400)).toEqual([]);
    // Most changes leave valid JSON behind: there it is the signature that tells.
    expect(sent.filter(({ status: answered }) => answered === 401).length).toBeGreaterThan(sent.length / 2);
    child.kill("SIGINT");
    const { stdout } = await child.ended;
    expect(stdout.trimEnd().split("\n").at(-1)).toContain(
      `"type":"summary","received":${sent.length},"valid":0,"rejected":${sent.length}`,
    );
    await proxy.close();
  });
});
