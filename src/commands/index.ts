import type { CommandEntry } from "./command.ts";

/** Every command, in the order of the help. */
export const commands: readonly CommandEntry[] = [
  {
    name: "listen",
    summary: "receive webhooks on this machine; verify, validate and show each one",
    pages: ["receiving"],
    load: () => import("./listen/index.ts"),
  },
  {
    name: "send",
    summary: "send sample events to your own app, with valid signatures",
    pages: ["sending", "formats"],
    load: () => import("./send/index.ts"),
  },
  {
    name: "check",
    summary: "try what an endpoint must do: security, speed, protocol, duplicates",
    pages: ["check"],
    load: () => import("./check/index.ts"),
  },
  {
    name: "verify",
    summary: "check whether a payload is genuine and well-formed; if not, say exactly why",
    pages: ["verifying"],
    load: () => import("./verify/index.ts"),
  },
  {
    name: "channels",
    summary: "create, list, renew and delete the notification channels of CRM, Bigin and Recruit",
    pages: ["crm-channel"],
    load: () => import("./channels/index.ts"),
  },
  {
    name: "webhooks",
    summary: "create, list and delete webhooks of Desk, Books, Inventory and Sign; list failed ones",
    pages: ["missed", "products/desk", "products/finance", "products/sign"],
    load: () => import("./webhooks/index.ts"),
  },
  {
    name: "login",
    summary: "sign in to Zoho, for channels and webhooks",
    pages: ["crm-channel"],
    load: () => import("./login/index.ts"),
  },
  {
    name: "logout",
    summary: "revoke a sign-in and remove it from this machine",
    pages: ["crm-channel"],
    load: () => import("./logout.ts"),
  },
  {
    name: "whoami",
    summary: "show who is signed in to Zoho, where, and with which scopes",
    pages: ["crm-channel"],
    load: () => import("./whoami.ts"),
  },
  {
    name: "events",
    summary: "look at received deliveries: list, show, follow, count, export, compare",
    pages: ["receiving"],
    load: () => import("./events/index.ts"),
  },
  {
    name: "ui",
    summary: "look at received deliveries in the browser: the inspector",
    pages: ["inspector"],
    load: () => import("./ui/index.ts"),
  },
  {
    name: "replay",
    summary: "send a received delivery to your app again",
    pages: ["receiving"],
    load: () => import("./replay/index.ts"),
  },
  {
    name: "store",
    summary: "create, look at or update an event log in PostgreSQL, which several processes share",
    pages: ["team"],
    load: () => import("./store.ts"),
  },
  {
    name: "products",
    summary: "list products, their events, and how their deliveries are signed",
    pages: ["verifying"],
    load: () => import("./products.ts"),
  },
  {
    name: "fixtures",
    summary: "show, find or copy the sample payloads",
    pages: ["sending", "formats"],
    load: () => import("./fixtures.ts"),
  },
  {
    name: "types",
    summary: "write TypeScript types for the events, also from received deliveries",
    pages: ["library"],
    load: () => import("./types.ts"),
  },
  {
    name: "init",
    summary: "set up this project: config, .env and .gitignore",
    pages: ["getting-started"],
    load: () => import("./init/index.ts"),
  },
  {
    name: "keygen",
    summary: "create a key pair, to sign samples as SalesIQ, Cliq and Desk do",
    pages: ["sending"],
    load: () => import("./keygen.ts"),
  },
  {
    name: "config",
    summary: "show the current settings and where each comes from",
    pages: ["configuration"],
    load: () => import("./config.ts"),
  },
  {
    name: "doctor",
    summary: "check everything that receiving needs, from Node to the channels at Zoho, and say how to repair it",
    pages: ["troubleshooting"],
    load: () => import("./doctor/index.ts"),
  },
  {
    name: "completion",
    summary: "print a completion script for bash, zsh, fish or PowerShell",
    pages: ["json"],
    load: async () => ({ define: (await import("./completion/index.ts")).completionOf(commands) }),
  },
];
