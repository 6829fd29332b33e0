import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { foreignFolder, newPerson } from "../support/person.ts";

const CONFIG = "zoho-hooks.config.json";
/** Uses the settings, and ends at once. */
const COMMAND = ["fixtures", "show", "crm", "Leads.create"] as const;

/** Without a terminal. */
async function errorIn(files: Readonly<Record<string, string>>, subfolder = ""): Promise<string> {
  const folder = foreignFolder(files);
  mkdirSync(join(folder, subfolder), { recursive: true });
  const { exitCode, out, err } = await newPerson().run(COMMAND, { cwd: join(folder, subfolder) });
  expect([exitCode, out]).toEqual([2, ""]);
  return err.replaceAll(folder, "FOLDER");
}

describe("a target is not taken for one of this machine:", () => {
  it.each([
    "http://127.0.0.1.evil.example/",
    "http://localhost.evil.example/",
    "evil.example:80/localhost",
    "http://app.localhost/",
    "http://localhost./",
    "http://[::ffff:198.51.100.7]/",
    "http://0.0.0.0.nip.io/",
    "http://0.0.0.0/",
    "http://:product/",
    "bullmq://localhost.evil.example:6379/q",
    "bullmq://127.0.0.1:6379/q",
  ])("%s", async (target) => {
    const origin = new URL(/^\w+:\/\//.test(target) ? target.replace(":product", "crm") : `http://${target}`);
    // As URL writes it, which has a slash where there is no path.
    const shown = `${origin.protocol}//${origin.host}${origin.protocol === "http:" ? "/" : ""}`;
    expect(await errorIn({ [CONFIG]: JSON.stringify({ forwardTo: [3000, target] }) })).toContain(
      `its files decide: forwardTo ${shown}\n`,
    );
    expect(await errorIn({ ".env": `ZOHO_HOOKS_ROUTES=crm:*=3000,crm:*=${target}\n` })).toContain(
      `its files decide: routes ${shown}\n`,
    );
  });
});

describe("the error", () => {
  it("names all decisions at once, and the folder of the config file above", async () => {
    const files = {
      [CONFIG]: JSON.stringify({
        forwardTo: "http://app:3000/hooks",
        host: "0.0.0.0",
        products: { forms: { schema: "s.mjs" } },
      }),
      "s.mjs": "",
      ".env": "NGROK_AUTHTOKEN=geheim\nZOHO_PROFILE=acme\n",
    };
    expect(await errorIn(files, "src/deep")).toBe(
      "error: FOLDER is not trusted, and its files decide: forwardTo http://app:3000/; host 0.0.0.0; code s.mjs; tunnel NGROK_AUTHTOKEN; account ZOHO_PROFILE=acme\n" +
        "  if you trust who wrote them: zoho-hooks trust. In a container or a script: ZOHO_HOOKS_TRUST=1 in the environment\n",
    );
  });

  it("names a .env of the working folder where there is no config file", async () => {
    expect(await errorIn({ ".env": "EDITOR=./x\n" })).toContain(
      "FOLDER is not trusted, and its files decide: program EDITOR=./x",
    );
  });

  it("shows values without escapes, and on one line", async () => {
    const err = await errorIn({
      [CONFIG]: JSON.stringify({
        tunnel: { serverAddr: "\u001b[2K\u001b[1Gsafe\nerror: none\u202e" },
        products: { "x\u001b[2K": { path: "../\u202ex" } },
      }),
      ".env": 'ZOHO_PROFILE="a\nerror: none\u001b[2K"\n',
    });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
    expect(err).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
    expect(err.trimEnd().split("\n")).toHaveLength(2);
  });

  it.each<[string, Parameters<typeof foreignFolder>]>([
    ["a file .zoho-hooks", [{ ".zoho-hooks": "" }]],
    ["a file as the folder of the log", [{ [CONFIG]: '{"store": "log/x/events.db"}', log: "" }]],
    ["a log in a link to itself", [{ [CONFIG]: '{"store": "log/events.db"}' }, { links: { log: "log" } }]],
    ["a product in a file", [{ [CONFIG]: '{"products": {"shop": {"path": "shop.json"}}}', "shop.json": "{}" }]],
    ["a product in no folder", [{ [CONFIG]: '{"products": {"shop": {"path": "shop"}}}' }]],
  ])("is not about %s, which decides nothing", async (_, folder) => {
    const { exitCode, err } = await newPerson().run(COMMAND, { cwd: foreignFolder(...folder) });
    // The command itself says what is wrong with a product.
    expect([exitCode, err]).toEqual(
      folder[0][CONFIG]?.includes("shop") === true ? [2, expect.stringContaining("products.shop.path: ")] : [0, ""],
    );
  });

  it("is about a broken file where there is one, so that it hides no decision", async () => {
    expect(await errorIn({ [CONFIG]: '{"host":', ".env": "EDITOR=./x\n" })).toContain(`FOLDER/${CONFIG}:1`);
    expect(await errorIn({ [CONFIG]: JSON.stringify({ host: "0.0.0.0" }), ".env": "ZOHO_DC eu\n" })).toContain(
      "FOLDER/.env:1 is not an assignment",
    );
  });
});
