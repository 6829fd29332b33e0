import { KnownSecrets, secret } from "../../src/delivery/secrets.ts";
import { sleepRealTime } from "../../src/util/timing.ts";
import { accessTokens } from "../../src/zoho-api/access-token.ts";
import { zohoHttp } from "../../src/zoho-api/http.ts";
import type { SignIn } from "../../src/zoho-api/sign-in.ts";

/**
 * A process that needs an access token: reports that it is ready, waits for a line on its standard input, and
 * writes the token. The first argument is JSON with the sign-in.
 */
const { accountsUrl, clientId, clientSecret, refreshToken, userFolder } = JSON.parse(process.argv[2] ?? "{}");
const context = {
  userFolder,
  now: () => new Date(),
  sleep: sleepRealTime,
  verbose: false,
  report: () => undefined,
  knownSecrets: new KnownSecrets(),
};
const http = zohoHttp(context, { env: {} });
const signIn: SignIn = {
  name: "test",
  centre: { id: "us", title: "", accountsUrl, apiDomain: "zohoapis.com" },
  environment: "production",
  hosts: { accountsUrl, apiUrl: accountsUrl },
  scopes: [],
  access: {
    kind: "refreshable",
    client: { accountsUrl, clientId, clientSecret: secret(clientSecret, "test") },
    refreshToken: secret(refreshToken, "test"),
  },
};
const tokens = accessTokens(context, signIn, http);
process.stdout.write("ready\n");
process.stdin.once("data", async () => {
  const { value } = await tokens.get();
  await http.close();
  process.stdin.destroy();
  process.stdout.write(`${value}\n`);
});
