import { secret } from "../../src/delivery/secret.ts";
import { sleepRealTime } from "../../src/util/timing.ts";
import { accessTokens } from "../../src/zoho-api/access-token.ts";
import { createHttp } from "../../src/zoho-api/http.ts";
import type { SignIn } from "../../src/zoho-api/sign-in.ts";

/**
 * A process that needs an access token: reports that it is ready, waits for a line on its standard input, and
 * writes the token. The first argument is JSON with the sign-in.
 */
const { accountsUrl, clientId, clientSecret, refreshToken, folder } = JSON.parse(process.argv[2] ?? "{}");
const http = createHttp({ env: {}, sleep: sleepRealTime, random: Math.random });
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
const tokens = accessTokens({ signIn, folder, http, now: () => new Date() });
process.stdout.write("ready\n");
process.stdin.once("data", async () => {
  const { value } = await tokens.get();
  await http.close();
  process.stdin.destroy();
  process.stdout.write(`${value}\n`);
});
