import { describe, expect, it } from "vitest";
import { appPaths, findAppPath, parsePath, webhookPath } from "../../src/delivery/paths.ts";
import { targetFor } from "../../src/delivery/target.ts";
import { UserError } from "../../src/util/errors.ts";

const paths = appPaths([
  "/*=auto",
  "/tenants/*=crm",
  "/tenants/acme/desk=desk",
  "/tenants/acme/*=books",
  "/crm=crm",
  "/v2/crm=crm",
]);

describe("findAppPath", () => {
  it.each([
    ["/tenants/acme/desk", "/tenants/acme/desk"],
    ["/tenants/acme/desk/?a=/b", "/tenants/acme/desk"],
    ["/tenants/acme/other/deep", "/tenants/acme/*"],
    ["/tenants/other", "/tenants/*"],
    ["/tenants", "/*"],
    ["/tenants/", "/*"],
    ["/tenants/../crm", "/crm"],
    ["/tenants/%2e%2e/admin", "/*"],
    ["/tenants/..\\admin", "/*"],
    ["/tenants/a%2fb", "/tenants/*"],
    ["http://elsewhere.example/tenants/a", "/tenants/*"],
  ])("finds the most specific path for %s", (url, path) => {
    expect(findAppPath(paths, url)?.path).toBe(path);
  });

  it("finds nothing for a path that leads out of a prefix, and for none at all", () => {
    const tenants = appPaths(["/tenants/*=crm"]);
    for (const url of [
      "/tenants/../admin",
      "/tenants/%2E%2e/admin",
      "/tenants/..%2f..%2Fadmin",
      "/tenants/a%5C..%5cb",
      "/tenants",
      "*",
      "//tenants/a",
      "",
    ])
      expect(findAppPath(tenants, url)).toBeUndefined();
  });
});

describe("webhookPath", () => {
  it("is the product's first single path, or else one below /webhooks/zoho", () => {
    expect(["crm", "desk", "books", undefined].map((product) => webhookPath(product, paths))).toEqual([
      "/crm",
      "/tenants/acme/desk",
      "/webhooks/zoho/books",
      "/webhooks/zoho",
    ]);
  });
});

describe("targetFor", () => {
  it.each([
    ["/tenants/acme?x=1", "http://app.test:3000/tenants/*", "http://app.test:3000/tenants/acme?x=1"],
    ["/tenants/a//b/", "http://app.test/tenants/*", "http://app.test/tenants/a//b/"],
    ["/tenants/a/../b", "http://app.test/tenants/*", "http://app.test/tenants/b"],
    ["/anything", "http://app.test/*", "http://app.test/anything"],
    ["/other", "http://app.test/tenants/*", "http://app.test/tenants/*"],
    ["/tenants/../admin", "http://app.test/tenants/*", "http://app.test/tenants/*"],
  ])("puts the path of %s into %s", (url, target, filled) => {
    expect(targetFor(url, target)).toBe(filled);
  });
});

describe("parsePath", () => {
  it.each([
    ["/api/hooks/crm=crm", { path: "/api/hooks/crm", product: "crm" }],
    ["/a=b=crm", { path: "/a=b", product: "crm" }],
    ["/tenants/*=AUTO", { path: "/tenants/*", product: undefined }],
    ["/=desk", { path: "/", product: "desk" }],
  ])("reads %s", (text, path) => {
    expect(parsePath(text, "paths")).toEqual(path);
  });

  it.each([
    ["api/hooks=crm", 'paths: "api/hooks" does not begin with a slash', 'write it as "/api/hooks"'],
    ["https://app.test/hooks=crm", "does not begin with a slash", 'write it as "/hooks"'],
    ["/hooks=", 'paths: "/hooks" has no product', '"auto"'],
    ["/hooks", 'paths: "/hooks" names no product', '"/api/hooks/crm": "crm"'],
    ["/healthz=crm", "is a path of listen itself", "choose another path"],
    ["/webhooks/zoho=crm", "is a path of listen itself", "choose another path"],
    ["/a/*/b=crm", "has a * elsewhere than in /* at its end", 'write "/a/*"'],
    ["/a*=crm", "has a * elsewhere than in /* at its end", 'write "/a/*"'],
    ["/a?x=crm", "has a query or a fragment", "leave it out"],
    ["/a/=crm", "would match no request", 'write it as "/a"'],
    ["/a/../b=crm", "would match no request", 'write it as "/b"'],
    ["/größe=crm", "would match no request", 'write it as "/gr%C3%B6%C3%9Fe"'],
  ])("refuses %s", (text, message, hint) => {
    const read = () => parsePath(text, "paths");
    expect(read).toThrow(UserError);
    expect(read).toThrow(message);
    expect(read).toThrow(expect.objectContaining({ hint: expect.stringContaining(hint) }));
  });
});
