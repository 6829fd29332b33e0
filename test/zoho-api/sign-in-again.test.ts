import { describe, expect, it } from "vitest";
import { findWatchProduct } from "../../src/channels/watch-products.ts";
import { secret } from "../../src/delivery/secrets.ts";
import { dataCentres } from "../../src/zoho-api/data-centres.ts";
import { type SignIn, signInAgain } from "../../src/zoho-api/sign-in.ts";

const [us, eu] = dataCentres;
if (us === undefined || eu === undefined) throw new Error("There are data centres.");
const { loginScopes: scopes } = findWatchProduct("crm");
const client = { accountsUrl: us.accountsUrl, clientId: "1000.X", clientSecret: secret("s", "test") };
const access = { kind: "refreshable", client, refreshToken: secret("r", "test") } as const;
const hosts = { accountsUrl: us.accountsUrl, apiUrl: undefined };
const plain: SignIn = { name: "default", centre: us, environment: "production", hosts, scopes, access };

describe("signInAgain", () => {
  it("names what login would not request by default", () => {
    expect(signInAgain(plain).how).toBe("zoho-hooks login");
    expect(signInAgain({ ...plain, name: "acme", centre: eu, environment: "sandbox" })).toEqual({
      how: "ZOHO_ENVIRONMENT=sandbox zoho-hooks login --dc eu --profile acme",
      elsewhere: "ZOHO_ENVIRONMENT=sandbox zoho-hooks login --dc auto --profile acme finds the data centre",
    });
  });

  it("keeps the products of the sign-in, beside the one that it lacks", () => {
    const { loginScopes: more } = findWatchProduct("bigin");
    expect(signInAgain({ ...plain, scopes: [...scopes, ...more] }).how).toBe(
      "zoho-hooks login --product crm --product bigin",
    );
    expect(signInAgain(plain, { product: "bigin", scope: "ZohoBigin.modules.READ" }).how).toBe(
      "zoho-hooks login --product bigin --product crm --scope ZohoBigin.modules.READ",
    );
  });

  it("names variables for a sign-in of the environment, which no login overrides", () => {
    const signIn: SignIn = { ...plain, name: "environment" };
    expect(signInAgain(signIn).how).toBe("set ZOHO_REFRESH_TOKEN to a new one");
    const fixed = { ...signIn, access: { kind: "fixed", accessToken: secret("a", "test") } } as const;
    expect(signInAgain(fixed).how).toBe("set ZOHO_ACCESS_TOKEN to a new one");
  });
});
