import { describe, expect, it } from "vitest";
import { secret } from "../../src/delivery/secrets.ts";
import type { StartProgram } from "../../src/tunnel/cloudflared-program.ts";
import { chooseTunnel, type TunnelWishes } from "../../src/tunnel/open-tunnel.ts";
import { ExitCode } from "../../src/util/errors.ts";

const authtoken = secret("2abc", "NGROK_AUTHTOKEN");
const start: StartProgram = () => ({ ended: Promise.resolve(0), end() {} });
const choose = (wishes: Partial<TunnelWishes>) =>
  chooseTunnel({
    tunnel: undefined,
    publicUrl: undefined,
    authtoken: undefined,
    domain: undefined,
    serverAddr: undefined,
    rootCas: undefined,
    cloudflared: () => start,
    names: { tunnel: "--tunnel", domain: "--domain", publicUrl: "--public-url" },
    ...wishes,
  });

describe("the choice of a tunnel", () => {
  it("is none without a token", () => {
    expect(choose({})).toEqual({ kind: "none", wanted: false });
  });

  it("is ngrok with a token", () => {
    expect(choose({ authtoken })).toMatchObject({ kind: "ngrok", settings: { authtoken } });
  });

  it("is cloudflared on request, even with a token", () => {
    expect(choose({ authtoken, tunnel: "cloudflared" })).toEqual({ kind: "cloudflared", start });
  });

  it("is none on request, even with a token", () => {
    expect(choose({ authtoken, tunnel: "none" })).toEqual({ kind: "none", wanted: true });
  });

  it("is --public-url even with a token", () => {
    expect(choose({ authtoken, publicUrl: "https://Example.com/base/" })).toEqual({
      kind: "public-url",
      url: "https://example.com/base",
    });
  });

  it("accepts a domain written as a URL", () => {
    expect(choose({ authtoken, domain: "https://Hooks.example.com/" })).toMatchObject({
      settings: { domain: "hooks.example.com" },
    });
  });

  it("requires a token for ngrok and for a domain", () => {
    for (const wishes of [{ tunnel: "ngrok" as const }, { domain: "hooks.example.com" }]) {
      expect(() => choose(wishes)).toThrow(expect.objectContaining({ exitCode: ExitCode.credentials }));
    }
  });

  it.each([
    { publicUrl: "https://example.com", tunnel: "ngrok" as const },
    { publicUrl: "https://example.com", domain: "hooks.example.com" },
    { tunnel: "none" as const, domain: "hooks.example.com" },
    { publicUrl: "example.com" },
    { publicUrl: "ftp://example.com" },
    { publicUrl: "https://me:secret@example.com" },
    { publicUrl: "https://example.com/?a=1" },
    { authtoken, domain: "hooks.example.com/path" },
    { authtoken, domain: "" },
  ])("is a usage error for %j", (wishes) => {
    expect(() => choose(wishes)).toThrow(expect.objectContaining({ exitCode: ExitCode.usage }));
  });
});
