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

async function sendAll(port: number, argv: readonly string[] = []): Promise<{ status: number | null; sent: Line[] }> {
  const { status, stdout } = await runBin(["send", "--all", "--to", String(port), "--json", ...argv], { env });
  return { status, sent: parsed(stdout).filter(({ type }) => type === "sent") };
}

function parsed(ndjson: string): Line[] {
  return ndjson
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

function verdicts({ proofs }: Line): string[] {
  return (proofs as { verdict: string }[]).map(({ verdict }) => verdict);
}

describe("every event of every product", { timeout: 60_000 }, () => {
  it("arrives known, in shape and, where its format has a proof that the secret makes, proved", async () => {
    const { child, port } = await startListen();
    const { status, sent } = await sendAll(port);
    expect(status).toBe(0);
    expect(sent.length).toBeGreaterThan(80);
    const { status: ended, events, summary } = await stop(child);
    expect(ended).toBe(0);
    expect(events).toHaveLength(sent.length);
    expect(new Set(events.map(({ product }) => product)).size).toBe(products.length);
    const wrong = events.filter((event) => {
      const { known, schema, designed, status: answered } = event;
      const proved =
        event.format === "guide"
          ? verdicts(event).length > 0 && verdicts(event).every((verdict) => verdict === "passed")
          : // Some of the others are signed with a secret of their own, which is not given here.
            !verdicts(event).includes("failed");
      return !(known === true && (designed === true || (schema as Line).ok === true) && answered === 200 && proved);
    });
    expect(wrong).toEqual([]);
    const custom = events.filter(({ designed }) => designed === true).length;
    const valid = sent.length - custom;
    expect(summary).toMatchObject({ received: sent.length, valid, custom, rejected: 0, duplicates: 0 });
  });

  it.each(["guide", "wire"])("is accepted in the format %s", async (format) => {
    const { child, port } = await startListen();
    const { status, sent } = await sendAll(port, ["--format", format]);
    expect(sent.filter(({ status: answered }) => answered !== 200)).toEqual([]);
    expect([status, sent.length > 80]).toEqual([0, true]);
    const { summary } = await stop(child);
    expect(summary).toMatchObject({ received: sent.length, rejected: 0 });
  });

  it("is refused, where its format is signed with the secret, when one bit of its body was changed on the way", async () => {
    const { child, port } = await startListen();
    const proxy = await startFlipProxy(port);
    const { status, sent } = await sendAll(proxy.port);
    expect(status).toBe(5);
    const signed = sent.filter(({ format }) => format === "guide");
    expect(signed.filter(({ status: answered }) => answered !== 401 && answered !== 400)).toEqual([]);
    // Most changes leave valid JSON behind: there it is the signature that tells.
    expect(signed.filter(({ status: answered }) => answered === 401).length).toBeGreaterThan(signed.length / 2);
    const { events } = await stop(child);
    expect(events.filter(({ path, refusal }) => isGuide(path) && refusal === null)).toEqual([]);
    await proxy.close();
  });
});

/** The products that send in the guide's format unless told otherwise. */
function isGuide(path: unknown): boolean {
  return products.some(({ id, formats }) => formats[0]?.id === "guide" && path === `/webhooks/zoho/${id}`);
}
