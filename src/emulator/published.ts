import { createPublicKey } from "node:crypto";
import { CREDENTIAL_VARIABLES, type Credential, type Secret, type Secrets, secret } from "../delivery/secrets.ts";

/**
 * What is the same in every emulator, so that files and shells may have it before one runs. It opens nothing at Zoho, and hides
 * nothing: anybody can sign with it.
 */
export const PUBLISHED = {
  clientId: "1000.ZOHOHOOKSEMULATORCLIENT",
  clientSecret: "emulator-client-secret-that-opens-nothing-at-zoho",
  refreshToken: "1000.emulator-refresh-token.that-opens-nothing-at-zoho",
  /** Books takes letters and digits only. */
  secret: "EmulatorSecretThatOpensNothingAtZoho",
  token: "emulator-token-that-opens-nothing-at-zoho",
  hookSecret: "emulator-mail-secret-that-opens-nothing-at-zoho",
} as const;

export const EMULATOR_PORT = 4480;

/** The RSA key with which it signs as Desk, SalesIQ and Cliq: PKCS #8. */
const PRIVATE_KEY = `-----BEGIN PRIVATE KEY-----
MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQC/LeBM8WMZPU+itPtdCmZmUMBOsp9ThCFcsgpD17jpIdOa9W5nZkmMMuJjP+yc
EA41BYYcBewHPp51h8kAghOi31niir99aE4gzrO5xdSl7+KhkU8iyWx7L4gvvafPjyDgHr/JrR/8JnFdiyFayKzVmPDHnAGoi9a/LeqbJ7XF0A7Y
wKQgleye2Gd5o+JlhZ25dhzI4knxMvSpXjeQh7PG5CUjQPedPFFKHRh0PsqZFMojYlT5jpxJUct/FuucYSUWlXb382kAEkLSRrzYqultX6OzDCkd
OC4X7H7nynjQxMF2kmK5s8KPC7KW+s8tZnF5buX64L5575O25lG4wDyHAgMBAAECggEAJ4sCJ3gQQtKzK5jamyKBDq2qMTzyBpDAY89xnxm6JgJ4
pccZGGsIUGbf+55nvtn1TlM/q4EwEkmJ9g5pbWD6Vchz648+T16pNlD6zLSWKOJm0ntfTncyKIKq3RER6jUVHDZP/hOAl6ON9EbIVeJHGYEiYG8s
yqNt/iotqfz7NJhaHU6hk742ex0SKrw1qKgSpT2P2+ovULGSOz7L2iEPpXH9515PINgd1E5o92o051wY/zyoYFOao0VASU+C15ISKtcfbyiGFz+6
yI9r0nRrlT+dHmqltOhZ2QDc9wyInRlXxsQ5jaKAy1WsuTECZlJLu+ozlzbAaQ9OMlYca10RNQKBgQDr1ilyScY6XPZ/AbULk9t5gSqWHVQ0jk+B
cKYLSrWvz9E32Ke2O20qFiuBX85dRQzVotEV7BJHKwIb2awMykkt44cbfPtSuEkS9V87teBF0pHQ2yqCniUm3dLv+A79DmYFq+qhpXL/wUlXG89Y
XLZZ5cshD824oefKa/rpy3p1rQKBgQDPhkhjbzEG7GzmFUmt9o/p27vwZmo+iimjiJ9pldk74muT1ZJcwOH6gLesVEJD68F34/oOxcwfqAtF4LPL
Dj65J0QjNzWXge2AuXF5MAG3qGD7BW/whDDwER1dRQv9DhxHSTcbTnAF1xunzwaR5mImvNbamac5GimpZvCHS7y5gwKBgQDXcKwqIKT6mgQAYDHg
orDDXbDms2JCJKMSzzKQbC5vrnwk9UG4Yq9F3DzgEgJ2B+dCnls9GIxWAT8K7B2VDZIuXoUFInaAyaLPs+HMrUh04HiegChkbE3qJIhW+ZfPqsCe
e7967aaRZyQ1dE1FHmTi2N5olIRNH3Kc42my/FQhfQKBgFqIu6XdiWb619tcqCMjsM8WVJxhIbKc9eNpJBqdDANrGQGKp+qdHzj41KhyreIRxPp3
08yEEDQzTI+0ottQIJ8H+VrfqBqrzSBeRpnXDri/1WdNjPNByFPDM6tQBxXkBQQ4dbkM9CQoHuGLmNMnzeQWeCkv5VstBcXoqcBsky3fAoGBAKCV
b57bkwEa86zpNFlZbIRkKDLjUoA6aMQ8+4PJyJikxg9msZPT33kALSkZdA+T/akAWt9c1tmC1DpAr2Lyk7DpObWN0QL+cZK2A3Ot+i/8KbMYuS+y
l+OCrc/uDurwTOPgZRuISFUF8+yq0OgUBt8+QmdNIsyc3xCtomidgD1m
-----END PRIVATE KEY-----`;

const SECRETS: Partial<Readonly<Record<Credential, Secret>>> = {
  secret: secret(PUBLISHED.secret, "the emulator's secret"),
  token: secret(PUBLISHED.token, "the emulator's token"),
  hookSecret: secret(PUBLISHED.hookSecret, "the emulator's secret of Mail"),
  privateKey: secret(PRIVATE_KEY, "the emulator's key"),
};

/** Signs for whom no secret was given through an API. */
export const publishedSecrets: Secrets = {
  for(credential) {
    const found = SECRETS[credential];
    return found === undefined ? [] : [found];
  },
  all: () => Object.values(SECRETS),
};

export const publishedKey = createPublicKey(PRIVATE_KEY);

/** The variables with which this tool, and programs that read the same ones, use an emulator and verify what it posts. */
export function variablesOf(url: string) {
  return {
    ZOHO_ACCOUNTS_URL: url,
    ZOHO_API_URL: url,
    // Of an app that has no default. The URLs above come first.
    ZOHO_DC: "us",
    ZOHO_CLIENT_ID: PUBLISHED.clientId,
    ZOHO_CLIENT_SECRET: PUBLISHED.clientSecret,
    ZOHO_REFRESH_TOKEN: PUBLISHED.refreshToken,
    ZOHO_WEBHOOK_SECRET: PUBLISHED.secret,
    ZOHO_WEBHOOK_TOKEN: PUBLISHED.token,
    ZOHO_WEBHOOK_HOOK_SECRET: PUBLISHED.hookSecret,
    // As SalesIQ's screen shows it: a line without spaces.
    ZOHO_WEBHOOK_PUBLIC_KEY: publishedKey.export({ type: "spki", format: "der" }).toString("base64"),
  };
}

/** The command that gives a shell those variables. */
export function exportCommand(
  invocation: string,
  { url, localUrl }: { readonly url: string; readonly localUrl: string },
) {
  const { port } = new URL(localUrl);
  const usual = port === String(EMULATOR_PORT) ? "" : ` --port ${port || 80}`;
  return `export $(${invocation} emulate --env${url === localUrl ? usual : ` --base-url ${url}`})`;
}

/** Whether a receiver with those variables can verify such a proof. Not Desk's, whose key set is fetched from its URL. */
export function hasVariableFor(credential: Credential): boolean {
  return Object.hasOwn(variablesOf(""), CREDENTIAL_VARIABLES[credential]);
}
