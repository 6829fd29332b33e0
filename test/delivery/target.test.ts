import { describe, expect, it } from "vitest";
import { targetFor, targetUrl } from "../../src/delivery/target.ts";
import { UserError } from "../../src/util/errors.ts";

const listener = { host: "127.0.0.1", port: 4460 };

describe("targetUrl", () => {
  it.each([
    [undefined, "http://127.0.0.1:4460/webhooks/zoho/crm"],
    ["3000", "http://localhost:3000/webhooks/zoho/crm"],
    [":3000", "http://localhost:3000/webhooks/zoho/crm"],
    [":3000/hooks", "http://localhost:3000/hooks"],
    ["/hooks?x=1", "http://127.0.0.1:4460/hooks?x=1"],
    ["localhost", "http://localhost/webhooks/zoho/crm"],
    ["localhost:3000", "http://localhost:3000/webhooks/zoho/crm"],
    ["app.test:8080/a/b", "http://app.test:8080/a/b"],
    ["app.test/a", "http://app.test/a"],
    ["[::1]:3000/a", "http://[::1]:3000/a"],
    ["https://app.test", "https://app.test"],
    ["HTTPS://App.test/A?b=%20#c", "HTTPS://App.test/A?b=%20#c"],
    ["https://app.test/:product/hook?x=:products", "https://app.test/crm/hook?x=:products"],
    [":3000/hooks/:product", "http://localhost:3000/hooks/crm"],
    ["http://app.test/é?name=José&b='中'", "http://app.test/%C3%A9?name=Jos%C3%A9&b='%E4%B8%AD'"],
  ])("expands %s to %s", (to, url) => {
    expect(targetUrl(to, "crm", listener)).toBe(url);
  });

  it.each([
    "",
    "  ",
    "foo",
    "crm Leads",
    "0",
    "70000",
    "http://",
    "ftp://app.test/x",
    "host:port/x",
    "a b:3000",
    "-x",
    "-x.test:80/",
  ])("refuses %j as a usage error", (to) => {
    expect(() => targetUrl(to, "crm", listener)).toThrow(UserError);
  });

  it.each([
    "http://evil.example\\@localhost:3000/hook",
    "http:///\\evil.example\\@localhost:3000/hook",
    "http://local\thost:3000/hook",
    "http://local\r\nhost:3000/hook",
  ])("refuses a host with characters that a URL parser drops or ends it at: %j", (to) => {
    expect(() => targetUrl(to, "crm", listener)).toThrow(/is not a target/);
  });

  it("rejects a URL with a password without repeating it", () => {
    expect(() => targetUrl("https://me:hunter2@app.test/", "crm", listener)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("hunter2") }),
    );
  });

  it("uses loopback for a receiver that listens on all addresses", () => {
    expect(targetUrl(undefined, "desk", { host: "0.0.0.0", port: 1 })).toBe("http://127.0.0.1:1/webhooks/zoho/desk");
    expect(targetUrl("3000", undefined, { host: "::", port: 1 })).toBe("http://localhost:3000/webhooks/zoho");
    expect(targetUrl(undefined, "desk", { host: "::", port: 1 })).toBe("http://[::1]:1/webhooks/zoho/desk");
  });

  it("appends the query of a delivery and drops the fragment", () => {
    expect(targetFor("/?id=1", "http://app.test/hook#top")).toBe("http://app.test/hook?id=1");
    expect(targetFor("/?id=1", "http://app.test/hook?key=2#top")).toBe("http://app.test/hook?key=2&id=1");
  });

  it("requires --to when the receiver's port is not known", () => {
    expect(() => targetUrl(undefined, "crm", { host: "127.0.0.1", port: 0 })).toThrow(/port of listen is set to 0/);
  });
});
