import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { USER } from "../../src/body/source.ts";
import { CONFIG_FILE } from "../../src/config/settings.ts";
import { UserError } from "../../src/util/errors.ts";
import { type ChannelWorld, HOOK, startChannelWorld } from "../support/channel-world.ts";
import { run, tempFolder } from "../support/run.ts";

/** Where a value can stand, and who has set it then. */
const PLACES = {
  environment: () => USER,
  "user's config": () => USER,
  ".env": (cwd: string) => join(cwd, ".env"),
  "project's config": (cwd: string) => join(cwd, CONFIG_FILE),
} as const;
type Place = keyof typeof PLACES;

interface Placed {
  readonly variables: Readonly<Record<string, string>>;
  /** The same in a config file, where it can stand there. */
  readonly settings?: object;
}

interface Sender {
  readonly argv: readonly string[];
  /** What would be sent. Undefined for deliveries, which are the user's. */
  readonly value: (() => Placed) | undefined;
  readonly to: () => Placed;
  /** Whether a config file can name the destination, too. */
  readonly isSetting?: boolean;
  /** What else it needs, in the environment. */
  readonly env?: () => Readonly<Record<string, string>>;
}

let world: ChannelWorld;
beforeAll(async () => {
  world = await startChannelWorld();
});
afterAll(() => world.close());

const hosts = () => {
  const { ZOHO_ACCOUNTS_URL = "", ZOHO_API_URL = "" } = world.env;
  return { ZOHO_ACCOUNTS_URL, ZOHO_API_URL };
};
const signIn = () => {
  const { ZOHO_CLIENT_ID = "", ZOHO_CLIENT_SECRET = "", ZOHO_REFRESH_TOKEN = "" } = world.env;
  return { ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET, ZOHO_REFRESH_TOKEN };
};
const variables =
  (...of: readonly (() => Record<string, string>)[]) =>
  (): Placed => ({ variables: Object.assign({}, ...of.map((each) => each())) });
const setting = (name: string, text: string, settings: object) => (): Placed => ({
  variables: { [`ZOHO_HOOKS_${name}`]: text },
  settings,
});
const named = (name: string) => variables(() => ({ [name]: "SecretOfSomebody12345" }));

const APP = "http://203.0.113.9/hook";
const CREATE = ["channels", "create", "Leads.create", "--url", HOOK];
const BOOKS = ["webhooks", "create", "invoice", "--product", "books", "--org", "1", "--url", HOOK];
const LISTEN = ["listen", "--port", "0", "--timeout", "20ms"];
const CHANNEL = [...LISTEN, "--channel", "Leads.create"];
const authtoken = named("NGROK_AUTHTOKEN");
const server = (name: string, key: string) => setting(name, "127.0.0.1:1", { tunnel: { [key]: "127.0.0.1:1" } });

const SENDERS: Readonly<Record<string, Sender>> = {
  "a sign-in to hosts": { argv: ["channels", "list"], value: variables(signIn), to: variables(hosts) },
  "a sign-in to hosts, for whoami": { argv: ["whoami"], value: variables(signIn), to: variables(hosts) },
  "a sign-in to hosts, for doctor": { argv: ["doctor", "--json"], value: variables(signIn), to: variables(hosts) },
  "a token to hosts": { argv: CREATE, value: named("ZOHO_WEBHOOK_TOKEN"), to: variables(hosts, signIn) },
  "a token to an account": { argv: CREATE, value: named("ZOHO_WEBHOOK_TOKEN"), to: variables(signIn), env: hosts },
  "a token to an account, of listen": {
    argv: CHANNEL,
    value: named("ZOHO_WEBHOOK_TOKEN"),
    to: variables(signIn),
    env: () => ({ ...hosts(), NGROK_AUTHTOKEN: "t" }),
  },
  "ids of deliveries to hosts, for --expand": {
    argv: [...LISTEN, "--expand"],
    value: undefined,
    to: variables(hosts, signIn),
  },
  "a secret to an account": { argv: BOOKS, value: named("ZOHO_WEBHOOK_SECRET"), to: variables(signIn), env: hosts },
  "a secret to hosts": { argv: BOOKS, value: named("ZOHO_WEBHOOK_SECRET_BOOKS"), to: variables(hosts, signIn) },
  "records of an account to a tunnel": { argv: CHANNEL, value: variables(signIn), to: authtoken, env: hosts },
  "records to a public URL": {
    argv: CHANNEL,
    value: undefined,
    isSetting: true,
    to: setting("PUBLIC_URL", "https://a.test", { tunnel: { publicUrl: "https://a.test" } }),
    env: () => world.env,
  },
  "an authtoken to a server": {
    argv: LISTEN,
    value: authtoken,
    isSetting: true,
    to: server("NGROK_SERVER_ADDR", "serverAddr"),
  },
  "an authtoken to what a CA vouches for": {
    argv: LISTEN,
    value: authtoken,
    isSetting: true,
    to: server("NGROK_ROOT_CAS", "rootCas"),
  },
  "deliveries to a target": {
    argv: LISTEN,
    value: undefined,
    isSetting: true,
    to: setting("FORWARD_TO", APP, { forwardTo: APP }),
  },
  "deliveries to a route": {
    argv: LISTEN,
    value: undefined,
    isSetting: true,
    to: setting("ROUTES", `crm:*=${APP}`, { routes: { "crm:*": APP } }),
  },
  "a sample to the receiver's host": {
    argv: ["send", "crm", "Leads.create", "--timeout", "1ms"],
    value: undefined,
    isSetting: true,
    to: setting("HOST", "203.0.113.9", { host: "203.0.113.9" }),
  },
  "samples of check to the receiver's host": {
    argv: ["check", "/hook", "--yes", "--only", "reachability"],
    value: undefined,
    isSetting: true,
    to: setting("HOST", "127.0.0.1.invalid", { host: "127.0.0.1.invalid" }),
  },
};

const overrides = {
  openTunnel: async () => {
    throw new UserError("connectionLost", "no tunnel in this test");
  },
};

/** Runs the sender with the value at the one place and the destination at the other. */
async function sent({ argv, value, to, env = () => ({}) }: Sender, from: Place, at: Place) {
  const folder = tempFolder();
  const cwd = join(folder, "project");
  const home = join(folder, "home/zoho-hooks");
  for (const each of [cwd, home]) mkdirSync(each, { recursive: true });
  const placed = [[value?.(), from] as const, [to(), at] as const];
  const atPlace = (place: Place) => placed.flatMap(([each, of]) => (of === place && each !== undefined ? [each] : []));
  const variablesAt = (place: Place) => Object.assign({}, ...atPlace(place).map((each) => each.variables));
  const settingsAt = (place: Place) =>
    JSON.stringify(Object.assign({}, ...atPlace(place).map((each) => each.settings)));
  const lines = Object.entries(variablesAt(".env")).map(([name, text]) => `${name}='${text}'\n`);
  writeFileSync(join(cwd, ".env"), lines.join(""));
  writeFileSync(join(cwd, CONFIG_FILE), settingsAt("project's config"));
  writeFileSync(join(home, "config.json"), settingsAt("user's config"));
  const { now } = world.clock;
  const user = { XDG_CONFIG_HOME: join(folder, "home"), ZOHO_KEYRING: "off", ...env(), ...variablesAt("environment") };
  const before = world.server.requests.length;
  const { exitCode, err, out } = await run(argv, { cwd, env: user, now, overrides });
  const isRefused = /a project does not decide this|would send/.test(err + out);
  const changes = world.server.requests.slice(before).filter(({ method }) => method !== "GET");
  const texts = changes.filter(({ path }) => !path.includes("oauth") || argv[1] === "list" || argv[0] === "whoami");
  const isAllowed = PLACES[at](cwd) === USER || PLACES[at](cwd) === PLACES[from](cwd);
  return { exitCode, isRefused, texts, isAllowed };
}

const VARIABLE_PLACES: readonly Place[] = ["environment", ".env"];
const cases = Object.entries(SENDERS).flatMap(([name, sender]) =>
  (sender.value === undefined ? (["environment"] as const) : VARIABLE_PLACES).flatMap((from) =>
    (sender.isSetting === true ? (Object.keys(PLACES) as Place[]) : VARIABLE_PLACES).map(
      (at) => [name, from, at] as const,
    ),
  ),
);

it.each(cases)("%s: what the %s has goes to the destination of the %s as the rule says", async (name, from, at) => {
  const sender = SENDERS[name];
  if (sender === undefined) throw new Error(name);
  const { exitCode, isRefused, texts, isAllowed } = await sent(sender, from, at);
  expect(isRefused).toBe(!isAllowed);
  if (isAllowed) return;
  expect(texts).toEqual([]);
  if (sender.argv[0] !== "doctor") expect(exitCode).toBe(2);
});
