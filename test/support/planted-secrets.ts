import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { tempFolder } from "./run.ts";

const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 1024,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});

/** One that JSON, URLs and shells write in other ways. */
const AWKWARD = `SEKRIT/auth+"q'\\é 77`;

export const plantedEnv = {
  ZOHO_WEBHOOK_SECRET: "SEKRITsecret22",
  ZOHO_WEBHOOK_SECRET_DESK: "SEKRITdesk33",
  ZOHO_WEBHOOK_TOKEN: "SEKRITtoken11",
  ZOHO_WEBHOOK_AUTH: AWKWARD,
  ZOHO_WEBHOOK_HOOK_SECRET: "SEKRIThook44",
  ZOHO_WEBHOOK_PRIVATE_KEY: privateKey,
  ZOHO_CLIENT_ID: "1000.CLIENT",
  ZOHO_CLIENT_SECRET: "SEKRITclient55",
  ZOHO_REFRESH_TOKEN: "1000.SEKRITrefresh66",
  ZOHO_ACCESS_TOKEN: "1000.SEKRITaccess88",
  ZOHO_HOOKS_STORE_KEY: "SEKRITstorekey99",
  PGPASSWORD: "SEKRITpg00",
  NGROK_AUTHTOKEN: "86753090",
};

const STORED = "SEKRITstored12";
const CHANNEL_TOKEN = "SEKRITchannel13";

/** The values that are secret. One of them could be a number. */
export const planted: readonly string[] = [
  ...Object.entries(plantedEnv).flatMap(([name, value]) =>
    name === "ZOHO_CLIENT_ID" ? [] : [name === "ZOHO_WEBHOOK_PRIVATE_KEY" ? (value.split("\n")[2] ?? "") : value],
  ),
  STORED,
  CHANNEL_TOKEN,
];

/** A project with a secret that a sender handed out, and with a channel. */
export function plantedProject(): string {
  const cwd = tempFolder();
  writePrivate(join(cwd, ".zoho-hooks/keys/hook-secrets.json"), { mail: { hookSecret: STORED } });
  const channel = { profile: "default", product: "crm", id: "10000000068001", events: ["Leads.all"], conditions: [] };
  writePrivate(join(cwd, ".config/zoho-hooks/channels.json"), {
    channels: [{ ...channel, notifyUrl: "https://example.com/hook", token: CHANNEL_TOKEN }],
  });
  writeFileSync(join(cwd, "refresh-token"), plantedEnv.ZOHO_REFRESH_TOKEN);
  return cwd;
}

function writePrivate(path: string, value: unknown): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, JSON.stringify(value), { mode: 0o600 });
}

/** The planted secrets in a text: as they are, escaped for JSON, percent-encoded, or in base64 as bodies of `--json` are. */
export function leakedIn(text: string): readonly string[] {
  const decoded = [...text.matchAll(/[A-Za-z0-9+/]{40,}={0,2}/g)].map(([base64]) => Buffer.from(base64, "base64"));
  const shown = [text, ...decoded.map(String)].join("\n");
  return planted.filter((secret) =>
    [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)].some((form) => shown.includes(form)),
  );
}
