import { readdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { BIN, type BinOptions, runBin } from "../support/bin.ts";
import { copyOfPackage } from "../support/package-copy.ts";
import { freePort, startTarget } from "../support/target.ts";

const ROOT = join(dirname(BIN), "..");
const LEAD = join(ROOT, "fixtures/crm/guide/Leads.create.json");

interface Case {
  readonly code: number;
  readonly when: string;
  command(): Promise<{ readonly argv: readonly string[] } & BinOptions>;
}

const cases: readonly Case[] = [
  {
    code: 0,
    when: "all is well",
    command: async () => ({ argv: ["verify", LEAD] }),
  },
  {
    code: 1,
    when: "the program itself is broken",
    command: async () => ({ argv: ["products"], bin: installationWithoutProducts() }),
  },
  {
    code: 2,
    when: "a flag is misspelt",
    command: async () => ({ argv: ["listen", "--prot", "3000"] }),
  },
  {
    code: 2,
    when: "a file is not there",
    command: async () => ({ argv: ["verify", "nothing.json"] }),
  },
  {
    code: 2,
    when: "a secret is empty",
    command: async () => ({ argv: ["verify", LEAD], env: { ZOHO_WEBHOOK_SECRET: "" } }),
  },
  {
    code: 3,
    when: "a signature does not fit",
    command: async () => ({
      argv: ["verify", LEAD, "--signature", "0".repeat(64)],
      env: { ZOHO_WEBHOOK_SECRET: "a-secret" },
    }),
  },
  {
    code: 4,
    when: "a body is not in the shape of its event",
    command: async () => ({ argv: ["verify", "-"], stdin: '{"module":"Leads","operation":"create","ids":5}' }),
  },
  {
    code: 5,
    when: "nothing listens",
    command: async () => ({ argv: ["send", "crm", "Leads.create", "--to", String(await freePort())] }),
  },
  {
    code: 5,
    when: "the app answers with an error",
    command: async () => {
      const { url } = await startTarget((response) => void response.writeHead(500).end("no"));
      return { argv: ["send", "crm", "Leads.create", "--to", url] };
    },
  },
  {
    code: 6,
    when: "nobody is signed in",
    command: async () => ({ argv: ["channels", "list"] }),
  },
  {
    code: 7,
    when: "Zoho refuses",
    command: async () => {
      const { url } = await startTarget((response) => {
        response.writeHead(400, { "content-type": "application/json" });
        response.end('{"code":"INVALID_DATA","message":"invalid","status":"error"}');
      });
      return { argv: ["channels", "list"], env: { ZOHO_ACCESS_TOKEN: "1000.token", ZOHO_API_URL: url } };
    },
  },
  {
    code: 8,
    when: "what is expected does not come in time",
    command: async () => ({ argv: ["listen", "--port", "0", "--expect", "crm:Leads.create", "--timeout", "50ms"] }),
  },
  {
    code: 9,
    when: "the tunnel cannot be had",
    command: async () => ({
      argv: ["listen", "--port", "0", "--tunnel", "ngrok"],
      env: { NGROK_AUTHTOKEN: "an-authtoken", ZOHO_HOOKS_NGROK_SERVER_ADDR: `127.0.0.1:${await freePort()}` },
    }),
  },
];

describe("the exit code", () => {
  it.each(cases)("is $code when $when", async ({ code, command }) => {
    const { argv, ...options } = await command();
    const { status, stderr } = await runBin(argv, options);
    expect(status, stderr).toBe(code);
  });

  it.each(cases.filter(({ code }) => code !== 0 && code !== 8))(
    "$code when $when comes with one JSON object on stderr, or with the result on stdout",
    async ({ code, command }) => {
      const { argv, ...options } = await command();
      const { status, stdout, stderr } = await runBin([...argv, "--json"], options);
      expect(status).toBe(code);
      for (const line of stdout.split("\n").filter((each) => each !== "")) expect(JSON.parse(line)).toHaveProperty("v");
      const isResult = [3, 4, 5].includes(code);
      if (isResult) expect(stderr).toBe("");
      else
        expect(JSON.parse(stderr)).toMatchObject({
          v: 1,
          error: { code: expect.any(String), hint: expect.anything() },
        });
    },
  );
});

/** A copy of the package that has lost a file. */
function installationWithoutProducts(): string {
  const folder = copyOfPackage();
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"), "junction");
  const chunks = join(folder, "dist/chunks");
  for (const name of readdirSync(chunks)) if (name.startsWith("products-")) rmSync(join(chunks, name));
  return join(folder, "bin/zoho-hooks.js");
}
