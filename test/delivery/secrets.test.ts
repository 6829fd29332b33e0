import { describe, expect, it } from "vitest";
import { KnownSecrets } from "../../src/delivery/secrets.ts";
import { testKeys } from "../support/test-secrets.ts";

function known(...secrets: readonly string[]): KnownSecrets {
  const all = new KnownSecrets();
  all.remember(...secrets);
  return all;
}

describe("a known secret", () => {
  it.each([
    ["as it is", "abc/def+g h", "x abc/def+g h y", "x [masked] y"],
    ["in JSON", 'ab"cd\\efgh', JSON.stringify('ab"cd\\efgh'), '"[masked]"'],
    ["in JSON within JSON", 'ab"cd\\efgh', JSON.stringify(JSON.stringify('ab"cd\\efgh')), '"\\"[masked]\\""'],
    ["in JSON of PHP", "abcd/éfgh", "abcd\\/\\u00e9fgh", "[masked]"],
    ["in a URL", "abc/def+g h", "?t=abc%2Fdef%2Bg%20h&u", "?t=[masked]&u"],
    ["in a form", "abc/def+g h", "t=abc%2fdef%2bg+h", "t=[masked]"],
    ["twice", "abcdefgh", "abcdefghabcdefgh", "[masked][masked]"],
    ["of 7 characters not", "abcdefg", "abcdefg", "abcdefg"],
    [
      "cut with an ellipsis",
      "abcdefghijkl",
      "the token is abcdefghi… (-v shows all)",
      "the token is [masked]… (-v shows all)",
    ],
    ["cut on its own line", "abcdefghijkl", "abcdefgh\n… 12 more bytes", "[masked]\n… 12 more bytes"],
    ["in part not", "abcdefghijkl", "abcdefghi.", "abcdefghi."],
  ])("is masked %s", (_, secret, text, masked) => {
    expect(known(secret).mask(text)).toBe(masked);
  });

  it("is masked in the bytes of a body", () => {
    const secrets = known("abcd/éfgh");
    expect(secrets.maskBody(Buffer.from("x abcd/éfgh é")).toString()).toBe("x [masked] é");
  });

  it("is masked as a whole where another one is its start", () => {
    expect(known("abcdefgh", "abcdefghijkl").mask("abcdefghijkl abcdefgh")).toBe("[masked] [masked]");
  });

  it("is masked at the end of a text that may have been cut", () => {
    const secrets = known("abcdefghijkl");
    expect(secrets.maskCut("it is abcdefgh")).toBe("it is [masked]");
    expect(secrets.mask("it is abcdefgh")).toBe("it is abcdefgh");
  });

  it("leaves JSON as JSON where it was a number", () => {
    const secrets = known("12345678");
    expect(secrets.maskJson('{"a":12345678,"b":"n 12345678","c":123456789.5}\n{"d":[12345678]}\n')).toBe(
      '{"a":"[masked]","b":"n [masked]","c":"[masked]"}\n{"d":["[masked]"]}\n',
    );
    expect(secrets.maskBody(Buffer.from('{ "a": 12345678 }')).toString()).toBe('{ "a": "[masked]" }');
  });

  it("leaves JSON as JSON where it ends with a backslash", () => {
    const secrets = known("abcdefgh\\");
    for (const text of ["abcdefgh\\", 'abcdefgh\\"', JSON.stringify({ b: "abcdefgh\\" })]) {
      const masked = JSON.parse(secrets.maskJson(JSON.stringify({ a: text })));
      expect(masked).toEqual({ a: secrets.mask(text) });
      expect(masked.a).not.toContain("abcdefgh");
    }
  });

  it("is masked in a private key line by line, but not the marks around it", () => {
    const { privateKey } = testKeys;
    const masked = known(privateKey).mask(JSON.stringify(privateKey));
    expect(masked).toMatch(/^"-----BEGIN PRIVATE KEY-----(?:\\n\[masked\])+\\n-----END PRIVATE KEY-----\\n"$/);
    expect(known(privateKey.replaceAll("\n", "\\n")).mask(privateKey)).not.toContain(privateKey.split("\n")[3]);
  });

  it("is masked in bytes that are not UTF-8, and all others stay", () => {
    const body = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from("abcdefgh"), Buffer.from([0x80])]);
    const masked = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from("[masked]"), Buffer.from([0x80])]);
    expect(known("abcdefgh").maskBody(body)).toEqual(masked);
    const other = Buffer.from("nothing");
    expect(known("abcdefgh").maskBody(other)).toBe(other);
  });
});
