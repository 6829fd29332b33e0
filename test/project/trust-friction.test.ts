import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SHOP } from "../support/own-product.ts";
import { foreignFolder, newPerson, type Person, schemaModule } from "../support/person.ts";
import { tempFolder } from "../support/run.ts";

const CONFIG = "zoho-hooks.config.json";
const { [CONFIG]: _, ...SHOP_FILES } = SHOP;

/** What a day has: commands that load the settings, the products and the targets, and end. */
const DAY = [
  ["fixtures", "list", "crm"],
  ["products", "crm"],
  ["send", "crm", "Leads.create", "--dry-run"],
  ["verify", "payload.json", "--product", "crm"],
] as const;

/** The questions of each command of a day at a terminal, where the answer is yes; and what else is said. */
async function dayOf(person: Person, cwd: string) {
  writeFileSync(join(cwd, "payload.json"), "{}");
  const runs = [];
  for (const argv of [...DAY, ...DAY]) {
    const { exitCode, err, questions } = await person.run(argv, { cwd, says: true });
    runs.push({ exitCode, err, questions });
  }
  expect(runs.filter(({ exitCode, err }) => exitCode === 2 || err.includes("not trusted, and"))).toEqual([]);
  expect(runs.slice(1).filter(({ err }) => err.includes("trust"))).toEqual([]);
  return runs.map(({ questions }) => questions);
}

/** The exit code and the error without a terminal, for someone who has not answered yet. */
async function withoutTerminal(cwd: string, env: Readonly<Record<string, string>> = {}) {
  const { exitCode, err } = await newPerson().run(DAY[0], { cwd, env });
  return [exitCode, err.replaceAll(cwd, "FOLDER")];
}

const NO_QUESTION = [0, 0, 0, 0, 0, 0, 0, 0];
const ONE_QUESTION = [1, 0, 0, 0, 0, 0, 0, 0];
const INIT = ["init", "--yes", "--products", "crm,desk", "--target", "3000"] as const;

const refused = (decisions: string) => [
  2,
  `error: FOLDER is not trusted, and its files decide: ${decisions}\n` +
    "  if you trust who wrote them: zoho-hooks trust. In a container or a script: ZOHO_HOOKS_TRUST=1 in the environment\n",
];

describe("an own project", () => {
  it("by init asks nothing, with a terminal and without", async () => {
    const [person, cwd] = [newPerson(), tempFolder()];
    await person.run(INIT, { cwd });
    expect(await dayOf(person, cwd)).toEqual(NO_QUESTION);
    expect(await withoutTerminal(cwd)).toEqual([0, ""]);
  });

  it("by init with a target elsewhere asks nothing either: it has been typed", async () => {
    const [person, cwd] = [newPerson(), tempFolder()];
    await person.run([...INIT, "--target", "http://app:3000/hooks"], { cwd });
    expect(await dayOf(person, cwd)).toEqual(NO_QUESTION);
    expect(await withoutTerminal(cwd)).toEqual(refused("forwardTo http://app:3000/"));
  });

  it("with an own NGROK_AUTHTOKEN in .env asks once", async () => {
    const [person, cwd] = [newPerson(), tempFolder()];
    await person.run(INIT, { cwd });
    appendFileSync(join(cwd, ".env"), "NGROK_AUTHTOKEN=2abc_own\n");
    expect(await withoutTerminal(cwd)).toEqual(refused("tunnel NGROK_AUTHTOKEN"));
    expect(await dayOf(person, cwd)).toEqual(ONE_QUESTION);
  });
});

describe("a team's clone", () => {
  it("with localhost, products and a schema that is code asks once", async () => {
    const config = {
      forwardTo: 3000,
      products: { crm: {}, shop: { path: "webhooks/shop" }, forms: { schema: "s.mjs" } },
    };
    const cwd = foreignFolder({
      ...SHOP_FILES,
      [CONFIG]: JSON.stringify(config),
      "s.mjs": schemaModule(join(tempFolder(), "ran")),
    });
    expect(await withoutTerminal(cwd)).toEqual(refused("code s.mjs"));
    expect(await dayOf(newPerson(), cwd)).toEqual(ONE_QUESTION);
  });

  it("without code asks nothing", async () => {
    const config = { forwardTo: 3000, allowUnsigned: ["crm"], products: { crm: {}, shop: { path: "webhooks/shop" } } };
    const cwd = foreignFolder({ ...SHOP_FILES, [CONFIG]: JSON.stringify(config) });
    expect(await withoutTerminal(cwd)).toEqual([0, ""]);
    expect(await dayOf(newPerson(), cwd)).toEqual(NO_QUESTION);
  });

  const everything = (): string => {
    const parent = foreignFolder(
      Object.fromEntries(Object.entries(SHOP_FILES).map(([name, text]) => [join("shared", name), text])),
    );
    mkdirSync(join(parent, "shop"));
    const config = {
      forwardTo: "http://app:3000/",
      routes: { "crm:Deals.*": "http://crm-app:3000/" },
      host: "0.0.0.0",
      insecure: true,
      store: "../shared/events.db",
      keep: "30d",
      maxLog: "1gb",
      retries: 1,
      respond: "mirror",
      tunnel: { publicUrl: "https://hooks.example.com" },
      products: { shop: { path: "../shared/webhooks/shop" }, forms: { schema: "s.mjs" } },
    };
    const files = { [CONFIG]: JSON.stringify(config), "s.mjs": schemaModule(join(tempFolder(), "ran")) };
    return foreignFolder(files, { folder: join(parent, "shop") });
  };

  it("with all that a team sets asks once, about eight decisions", async () => {
    const [person, cwd] = [newPerson(), everything()];
    expect(await dayOf(person, cwd)).toEqual(ONE_QUESTION);
    expect(person.trusted()).toEqual({
      [cwd]: [
        "forwardTo http://app:3000/",
        "routes http://crm-app:3000/",
        "host 0.0.0.0",
        "insecure true",
        "store ../shared/events.db",
        "publicUrl https://hooks.example.com/",
        "products ../shared/webhooks/shop",
        "code s.mjs",
      ],
    });
  });

  it("without a terminal gets one error with all of them; CI and a container run", async () => {
    const cwd = everything();
    const [exitCode, err] = await withoutTerminal(cwd);
    expect([exitCode, String(err).match(/; /g)?.length]).toEqual([2, 7]);
    for (const name of ["CI", "ZOHO_HOOKS_TRUST"]) expect(await withoutTerminal(cwd, { [name]: "1" })).toEqual([0, ""]);
  });
});

describe("a package of a monorepo", () => {
  const monorepo = () => {
    const root = foreignFolder({
      ...Object.fromEntries(Object.entries(SHOP_FILES).map(([name, text]) => [join("config", name), text])),
      "keys/p.pem": "k",
      [`packages/app/${CONFIG}`]: JSON.stringify({ products: { shop: { path: "../../config/webhooks/shop" } } }),
      "packages/app/.env": "ZOHO_WEBHOOK_JWKS=../../keys/p.pem\n",
    });
    return { root, cwd: join(root, "packages/app") };
  };

  it("with a key file and a product at the repository's root asks once", async () => {
    const { cwd } = monorepo();
    expect(await withoutTerminal(cwd)).toEqual(
      refused("products ../../config/webhooks/shop; key ZOHO_WEBHOOK_JWKS=../../keys/p.pem"),
    );
    expect(await dayOf(newPerson(), cwd)).toEqual(ONE_QUESTION);
  });

  it("asks nothing below a folder that is trusted with all in it", async () => {
    const [person, { root, cwd }] = [newPerson(), monorepo()];
    await person.run(["trust", "--below"], { cwd: root });
    expect(await dayOf(person, cwd)).toEqual(NO_QUESTION);
  });
});
