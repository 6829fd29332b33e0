import { describe, expect, it } from "vitest";
import { findWatchProduct } from "../../src/channels/watch-products.ts";
import { zohoApi } from "../../src/zoho-api/api.ts";
import { apiUrl, dataCentreOf, dataCentres, findDataCentre, listedCentre } from "../../src/zoho-api/data-centres.ts";
import { failureOf, type Rig, startRig } from "../support/zoho-client.ts";

describe("data centres", () => {
  it("are found by each of their hosts, and by no other", () => {
    for (const centre of dataCentres) {
      for (const url of [centre.accountsUrl, apiUrl(centre, "production"), apiUrl(centre, "sandbox")]) {
        expect(dataCentreOf(url)).toBe(centre);
      }
    }
    expect(dataCentreOf("https://www.zohoapis.com.evil.example")).toBeUndefined();
    expect(dataCentreOf("https://evilzohoapis.com")).toBeUndefined();
  });

  it("have, where only Zoho's list knows them, an accounts server like all others, and no other host", () => {
    expect(listedCentre("sg", "https://accounts.zoho.sg")).toMatchObject({ id: "sg", apiDomain: "zohoapis.sg" });
    for (const { id, accountsUrl, apiDomain } of dataCentres)
      expect(listedCentre(id, accountsUrl)).toMatchObject({ accountsUrl, apiDomain });
    for (const url of [
      "http://accounts.zoho.sg",
      "https://accounts.zoho.sg:444",
      "https://accounts.zoho.sg/x",
      "https://accounts.zoho.sg.evil.example",
      "https://evil.example/accounts.zoho.sg",
      "https://accounts.evil.example",
      "https://user@accounts.zoho.sg",
      "https://accounts.zoho.sg\n",
    ])
      expect(listedCentre("sg", url), url).toBeUndefined();
    expect(listedCentre("../x", "https://accounts.zoho.sg")).toBeUndefined();
  });

  it("have the hosts that differ from the pattern", () => {
    expect(findDataCentre("CA")).toMatchObject({ accountsUrl: "https://accounts.zohocloud.ca" });
    expect(apiUrl(findDataCentre("ca"), "production")).toBe("https://www.zohoapis.ca");
    expect(apiUrl(findDataCentre("au"), "developer")).toBe("https://developer.zohoapis.com.au");
  });
});

describe("the URL of an API call", () => {
  const urlOf = (rig: Rig, product: string, environment: "production" | "sandbox", apiDomain: string) => {
    const seen: string[] = [];
    const api = zohoApi({
      http: {
        send: async (request) => {
          seen.push(request.url);
          return { status: 204, text: "", body: undefined, unreadable: false, date: undefined };
        },
        close: async () => undefined,
      },
      now: rig.clock.now,
      tokens: { ...rig.tokens, get: async () => ({ value: "t", apiDomain, expiresAt: undefined, scopes: undefined }) },
      signIn: {
        ...rig.signIn,
        environment,
        hosts: { accountsUrl: "https://accounts.zoho.com", apiUrl: undefined },
      },
      product: findWatchProduct(product),
    });
    return api.call({ method: "GET", path: "/p", repeatable: true, action: "", scope: "" }).then(() => seen[0]);
  };

  it("follows api_domain, whatever data centre was asked", async () => {
    const rig = await startRig();
    try {
      expect(await urlOf(rig, "crm", "production", "https://www.zohoapis.eu")).toBe("https://www.zohoapis.eu/p");
      expect(await urlOf(rig, "bigin", "production", "https://www.zohoapis.in")).toBe("https://www.zohoapis.in/p");
      expect(await urlOf(rig, "crm", "sandbox", "https://www.zohoapis.eu")).toBe("https://sandbox.zohoapis.eu/p");
      expect(await urlOf(rig, "recruit", "production", "https://www.zohoapis.in")).toBe("https://recruit.zoho.in/p");
      expect(await urlOf(rig, "crm", "production", "https://api.own.example")).toBe("https://api.own.example/p");
    } finally {
      await rig.close();
    }
  });

  it("reports the wrong data centre when the token is rejected there", async () => {
    const rig = await startRig();
    try {
      const api = zohoApi({
        http: {
          send: async () => {
            const body = { code: "INVALID_TOKEN", message: "invalid oauth token", details: {}, status: "error" };
            return { status: 401, text: JSON.stringify(body), body, unreadable: false, date: undefined };
          },
          close: async () => undefined,
        },
        now: rig.clock.now,
        tokens: rig.tokens,
        signIn: {
          ...rig.signIn,
          hosts: { accountsUrl: "https://accounts.zoho.eu", apiUrl: "https://www.zohoapis.com" },
        },
        product: findWatchProduct("crm"),
      });
      const failure = await failureOf(
        api.call({ method: "GET", path: "/p", repeatable: true, action: "list channels", scope: "" }),
      );
      expect(failure.message).toContain(
        "wrong data centre: the token is for eu (Europe), but www.zohoapis.com is in us",
      );
    } finally {
      await rig.close();
    }
  });
});
