import type { CommandEntry, CommandModule } from "./command.ts";

/** Each command: its name, its summary, and its pages in docs/. These are what a newcomer needs, in the order of the help. */
const FIRST_COMMANDS = [
  ["listen", "receive webhooks on this machine; verify, validate and show each one", "receiving"],
  ["send", "send sample events to your own app, with valid signatures", "sending", "formats"],
  ["emulate", "emulate Zoho locally, no account needed: sign-in, APIs, webhooks", "emulator"],
  ["check", "try what an endpoint must do: security, speed, protocol, duplicates", "check"],
  ["verify", "check whether a payload is genuine and well-formed; if not, say exactly why", "verifying"],
  ["events", "look at received deliveries: list, show, stats, diff", "receiving"],
  ["ui", "look at received deliveries in the browser: the inspector", "inspector"],
  ["replay", "send a received delivery to your app again", "receiving"],
  ["channels", "create, list, renew and delete the notification channels of CRM, Bigin and Recruit", "crm-channel"],
  ["login", "sign in to Zoho, for channels and webhooks", "crm-channel"],
  ["products", "list products, their events, and how their deliveries are signed", "verifying"],
  ["init", "set up this project: config, .env and .gitignore", "getting-started"],
  ["doctor", "check everything that receiving needs, and say how to repair it", "troubleshooting"],
] as const;

const MORE_COMMANDS = [
  [
    "webhooks",
    "create, list and delete webhooks of Desk, Books, Inventory and Sign; list failed ones",
    "missed",
    "products/desk",
    "products/finance",
    "products/sign",
  ],
  ["reconcile", "find what CRM and Bigin channels did not notify of, and have it delivered", "missed"],
  ["logout", "revoke a sign-in and remove it from this machine", "crm-channel"],
  ["whoami", "show who is signed in to Zoho, where, and with which scopes", "crm-channel"],
  ["store", "create, look at or update an event log in PostgreSQL, which several processes share", "team"],
  ["fixtures", "show, find or copy the sample payloads", "sending", "formats"],
  ["types", "write TypeScript types for the events, also from received deliveries", "library"],
  ["trust", "trust the files of a folder, or stop trusting them", "configuration"],
  ["keygen", "create a key pair, to sign samples as SalesIQ, Cliq and Desk do", "sending"],
  ["skill", "print the skill for coding agents: how to use zoho-hooks, and what each product posts", "agents"],
  ["mcp", "let coding agents use zoho-hooks: a server of the Model Context Protocol", "agents"],
  ["config", "show the current settings and where each comes from", "configuration"],
  ["completion", "print a completion script for bash, zsh, fish or PowerShell", "json"],
] as const;

/** Loaded when the command or its help is called. */
const MODULES: Readonly<
  Record<(typeof FIRST_COMMANDS | typeof MORE_COMMANDS)[number][0], () => Promise<CommandModule>>
> = {
  listen: () => import("./listen/index.ts"),
  send: () => import("./send.ts"),
  emulate: () => import("./emulate.ts"),
  check: () => import("./check.ts"),
  verify: () => import("./verify.ts"),
  channels: () => import("./channels/index.ts"),
  webhooks: () => import("./webhooks.ts"),
  reconcile: () => import("./reconcile.ts"),
  login: () => import("./login.ts"),
  logout: () => import("./logout.ts"),
  whoami: () => import("./whoami.ts"),
  events: () => import("./events.ts"),
  ui: () => import("./ui.ts"),
  replay: () => import("./replay.ts"),
  store: () => import("./store.ts"),
  products: () => import("./products.ts"),
  fixtures: () => import("./fixtures.ts"),
  types: () => import("./types.ts"),
  init: () => import("./init/index.ts"),
  trust: () => import("./trust.ts"),
  keygen: () => import("./keygen.ts"),
  skill: () => import("./skill.ts"),
  mcp: () => import("./mcp/index.ts"),
  config: () => import("./config.ts"),
  doctor: () => import("./doctor.ts"),
  completion: async () => ({ define: (await import("./completion/index.ts")).completionOf(commands) }),
};

/** Commands that set a folder up, or show its settings, and run no code of it; `products` asks by itself. */
const NEED_NO_TRUST: readonly string[] = [
  "emulate",
  "products",
  "init",
  "trust",
  "keygen",
  "skill",
  "mcp",
  "config",
  "doctor",
  "completion",
];

export const commands: readonly CommandEntry[] = [...FIRST_COMMANDS, ...MORE_COMMANDS].map(
  ([name, summary, ...pages], i) => ({
    name,
    summary,
    group: i < FIRST_COMMANDS.length ? "Commands:" : "More commands:",
    pages,
    needsTrust: !NEED_NO_TRUST.includes(name),
    load: MODULES[name],
  }),
);
