import { describe, expect, it } from "vitest";
import {
  isSecretName,
  maskBody,
  maskDelivery,
  maskHeaders,
  maskRoute,
  maskSetting,
  maskUrl,
} from "../../src/delivery/mask.ts";
import { minifyJson } from "../../src/util/json-print.ts";
import { cpuMs } from "../support/cpu-time.ts";

const json = (text: string, type = "application/json"): string => maskBody(Buffer.from(text), type).toString();

describe("masking", () => {
  it.each([
    "token",
    "X-Zoho-Signature",
    "x-zoho-webhook-signature",
    "X-ZS-WEBHOOK-SIGNATURE",
    "x-zoho-webhook-token",
    "x-hook-secret",
    "X-Hook-Signature",
    "x-zdesk-jwt",
    "x-siqsignature",
    "producer-signature",
    "X-WEBINAR-SIGNATURE",
    "Authorization",
    "Proxy-Authorization",
    "Cookie",
    "Set-Cookie",
    "access_token",
    "refreshToken",
    "clientSecret",
    "zapikey",
    "securityContext",
    "api_key",
    "password",
    "auth",
  ])("treats %s as secret", (name) => {
    expect(isSecretName(name)).toBe(true);
  });

  it.each([
    "token_type",
    "host",
    "Email",
    "design",
    "assign",
    "author",
    "tokens_used",
    "content-type",
    "keyword",
    "id",
  ])("leaves %s alone", (name) => {
    expect(isSecretName(name)).toBe(false);
  });

  it("keeps layout, digits and everything else of a JSON body", () => {
    const text =
      '{ "ids":[9007199254740993001],\n\t"token" : "s\\"h\\u0068", "amount":1250.00, "é":"\\u00e9", "a":{"token":7} }';
    expect(json(text)).toBe(
      '{ "ids":[9007199254740993001],\n\t"token" : "[masked]", "amount":1250.00, "é":"\\u00e9", "a":{"token":"[masked]"} }',
    );
  });

  it("leaves a body without a secret byte for byte, even if it is not text", () => {
    const body = Buffer.from([0x7b, 0xff, 0xfe, 0x00, 0x7d]);
    expect(maskBody(body, "application/json").equals(body)).toBe(true);
    const latin = Buffer.concat([Buffer.from('{"token":"abc","name":"Zo'), Buffer.from([0xeb]), Buffer.from('"}')]);
    const masked = maskBody(latin, "application/json");
    expect(masked.toString("latin1")).toBe('{"token":"[masked]","name":"Zo\xeb"}');
  });

  it("masks everything below a secret name, and shows the names", () => {
    expect(json('{"credentials":{"user":"a","keys":["b"]}}')).toBe(
      '{"credentials":{"user":"[masked]","keys":["[masked]"]}}',
    );
  });

  it("masks credentials of a URL in a body", () => {
    expect(json('{"url":"https://u:p@example.com/hook?id=7&token=abc","see":"https://example.com/?id=7"}')).toBe(
      '{"url":"https://[masked]@example.com/hook?id=7&token=[masked]","see":"https://example.com/?id=7"}',
    );
    expect(json('{"open":"https://u:p@example.com/hook"}')).toBe('{"open":"https://[masked]@example.com/hook"}');
    expect(json("url=https%3A%2F%2Fexample.com%2F%3Ftoken%3Dabc&id=7", "application/x-www-form-urlencoded")).toBe(
      "url=https%3A%2F%2Fexample.com%2F%3Ftoken%3D%5Bmasked%5D&id=7",
    );
  });

  it("shows null and empty tokens", () => {
    expect(json('{"token":null}')).toBe('{"token":null}');
    expect(json('{"token":""}')).toBe('{"token":""}');
  });

  it("masks forms, JSON in a form, and multipart parts", () => {
    const form = "application/x-www-form-urlencoded";
    expect(json("a=1+2&token=abc%20d&b=%C3%A9", form)).toBe("a=1+2&token=%5Bmasked%5D&b=%C3%A9");
    expect(
      decodeURIComponent(json("payload=%7B%22token%22%3A%22abc%22%2C%22id%22%3A9007199254740993001%7D", form)),
    ).toBe('payload={"token":"[masked]","id":9007199254740993001}');
    const part = (name: string, value: string): string =>
      `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
    expect(json(`${part("token", "abc")}${part("id", "1")}--b--\r\n`, "multipart/form-data; boundary=b")).toBe(
      `${part("token", "[masked]")}${part("id", "1")}--b--\r\n`,
    );
  });

  it.each([
    [
      "a name in brackets",
      "payload[token]=abc&a%5Bauth%5D%5B0%5D=abc&a[b]=1",
      "payload[token]=#&a%5Bauth%5D%5B0%5D=#&a[b]=1",
    ],
    ["JSON that is cut off", "a=%7B%22token%22%3A%22abc%22%2C%22b", "a=%7B%22token%22%3A%22#%22%2C%22b"],
    ["a pair behind a semicolon", "a=1;token=abc;b=2&c=x;y", "a=1;token=#;b=2&c=x;y"],
    ["a form within a value", "a=token%3Dabc%26b%3D1", "a=token%3D#%26b%3D1"],
  ])("masks %s in a form", (_, form, masked) => {
    const found = json(form, "application/x-www-form-urlencoded");
    expect(decodeURIComponent(found).replaceAll("[masked]", "#")).toBe(decodeURIComponent(masked));
  });

  it.each([
    [{ x: '{"token":"abc","b' }, { x: '{"token":"#","b' }],
    [{ x: "token=abc&b=1" }, { x: "token=#&b=1" }],
    [{ x: "/hook?a=1&token=abc" }, { x: "/hook?a=1&token=#" }],
    [
      { x: "https://a.b/?to=https%3A%2F%2Fc.d%2F%3Ftoken%3Dabc" },
      { x: "https://a.b/?to=https%3A%2F%2Fc.d%2F%3Ftoken%3D#" },
    ],
    [
      {
        fields: [
          { name: "token", value: "abc" },
          { name: "a", value: "abc" },
        ],
      },
      {
        fields: [
          { name: "token", value: "#" },
          { name: "a", value: "abc" },
        ],
      },
    ],
    [{ x: "see https://a.b/?token=abc or ftp://u:p@c.d, a" }, { x: "see https://a.b/?token=# or ftp://#@c.d, a" }],
    [{ x: "to=https://a.b/&token=abc" }, { x: "to=https://a.b/&token=#" }],
    [
      { x: "[URGENT] a = b", y: "a==", z: "{}" },
      { x: "[URGENT] a = b", y: "a==", z: "{}" },
    ],
  ])("masks tokens in strings of JSON: %j", (body, masked) => {
    const found = json(JSON.stringify(body)).replaceAll(/%5Bmasked%5D|\[masked\]/g, "#");
    expect(JSON.parse(found)).toEqual(masked);
  });

  it("masks multipart parts with bare line feeds or a wrong boundary", () => {
    const body =
      '--b\nContent-Disposition: form-data; name="token"\n\nabc\n--b\nContent-Disposition: form-data; name="a"\n\n1\n--b--\n';
    for (const text of [body, body.replaceAll("\n", "\r\n")])
      for (const type of [
        "multipart/form-data; boundary=b",
        "multipart/form-data; boundary=c",
        "multipart/form-data",
        "application/json",
      ])
        expect(json(text, type)).toBe(text.replace("abc", "[masked]"));
  });

  it("masks headers with a URL or a signed-in user", () => {
    expect(
      maskHeaders([
        ["X-Original-URI", "/hook?a=1&token=abc"],
        ["Referer", "https://a.b/?to%6ben=abc"],
        ["Link", "<https://a.b/?token=abc>; rel=a"],
        ["Cf-Access-Jwt-Assertion", "abc"],
        ["X-Amzn-Oidc-Data", "abc"],
        ["Accept", "text/html;q=0.9, */*"],
        ["User-Agent", "Zoho (https://www.zoho.com/)"],
      ]),
    ).toEqual([
      ["X-Original-URI", "/hook?a=1&token=[masked]"],
      ["Referer", "https://a.b/?to%6ben=[masked]"],
      ["Link", "<https://a.b/?token=[masked]>; rel=a"],
      ["Cf-Access-Jwt-Assertion", "[masked]"],
      ["X-Amzn-Oidc-Data", "[masked]"],
      ["Accept", "text/html;q=0.9, */*"],
      ["User-Agent", "Zoho (https://www.zoho.com/)"],
    ]);
  });

  it("masks bracketed parameters and nested URLs", () => {
    expect(maskUrl("/a?x[token]=abc&b=1;token=abc")).toBe("/a?x[token]=[masked]&b=1;token=[masked]");
    expect(maskUrl("/a?cb=https%3A%2F%2Fx%2F%3Ftoken%3Dabc%26n%3D1")).not.toContain("abc");
  });

  it("terminates on broken text with a URL that is masked already", () => {
    const once = json('{"watch":[{"id":"17","token":"abc","url":"https://example.com/h?auth=abc","eve');
    expect(once).toMatch(/"token":"\[masked\]","url":"https:\/\/example\.com\/h\?auth=\[masked\]/);
    expect(json(once)).toContain('"token":"[masked]"');
  });

  it("masks a token in truncated or invalid JSON of any content type", () => {
    expect(json('{"token":"abc","data":{')).toBe('{"token":"[masked]","data":{');
    expect(json('{"token":"abc')).not.toContain("abc");
    expect(json('{"token":"abc"}', "")).toBe('{"token":"[masked]"}');
    expect(json('{"token":"abc"}', "application/x-www-form-urlencoded")).toBe('{"token":"[masked]"}');
  });

  it.each([
    ["token: abc123\nid: 7", "token: [masked]\nid: 7"],
    ["a new lead; auth_key=abc123, stage=new", "a new lead; auth_key=[masked], stage=new"],
    ["Authorization: Bearer abc.123-x\nhost: a", "Authorization: [masked]\nhost: a"],
    ['curl -H \'Authorization: Digest username="bob", response="abc"\' -d x', "curl -H 'Authorization: [masked]' -d x"],
    ["Cookie: a=b; session=abc", "Cookie: [masked]"],
    ["see https://example.com/?authtoken=abc123&x=1#part", "see https://example.com/?authtoken=[masked]&x=1#part"],
    ["see https://user:pass@example.com/", "see https://[masked]@example.com/"],
    ["secret = 'abc 123'", "secret = '[masked]'"],
    ['password: "my secret pass phrase", id: 7', 'password: "[masked]", id: 7'],
    ['password=ab[cd]"ef;g h', "password=[masked] h"],
    ["**Token:** abc123 | token=abc123|", "**Token:** [masked] | token=[masked]"],
    ["<event><token>abc123</token><id>7</id></event>", "<event><token>[masked]</token><id>7</id></event>"],
    ["<token><![CDATA[abc<1]]></token><a token='a b'/>", "<token><![CDATA[[masked]]]></token><a token='[masked]'/>"],
    ['{"token": abc', '{"token": [masked]'],
    ['{"token": 123, "id": 7', '{"token": [masked], "id": 7'],
    ["{'token': 'abc', 'id': 7", "{'token': '[masked]', 'id': 7"],
    ['{"a":"{\\"token\\":\\"abc\\"', '{"a":"{\\"token\\":[masked]"'],
    ["guide-signature: abcdef0123 does not match", "guide-signature: [masked] does not match"],
    ["desk-token: hunter was refused", "desk-token: [masked] was refused"],
    ["password: hunter is wrong", "password: [masked] is wrong"],
    ["token: s3cret is wrong", "token: [masked] is wrong"],
    ["x-zoho-signature: theme", "x-zoho-signature: [masked]"],
    ["secret=the one", "secret=[masked] one"],
    ["-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\nid: 7", "[masked]\nid: 7"],
  ])("masks a token in plain text: %j", (text, masked) => {
    for (const type of ["text/plain", "application/xml", ""]) expect(json(text, type)).toBe(masked);
  });

  it.each([
    "Deal: won\nAmount: 12.50",
    "Invalid signature: expected hex",
    "Error: invalid token: must be a string",
    "guide-signature: the signature does not match the body: the secret is different, or the bytes were changed",
    "desk-token: No token came",
    "password: must have 8 characters",
    "Password:\nName: Bob",
    "whatsapp_key=abc",
  ])("leaves %j as it is", (text) => {
    expect(json(text, "text/plain")).toBe(text);
  });

  it.each([
    ["text/plain", `${"token ".repeat(50_000)}${" ".repeat(300_000)}${"a".repeat(300_000)}${"<a ".repeat(50_000)}`],
    ["text/plain", "a=b,".repeat(250_000)],
    ["text/plain", "token=a,".repeat(125_000)],
    ["text/plain", '"token": "a '.repeat(80_000)],
    ["text/plain", "<token>".repeat(140_000)],
    ["text/plain", "<token><![CDATA[".repeat(60_000)],
    ["text/plain", "-----BEGIN PRIVATE KEY-----".repeat(40_000)],
    ["text/plain", "https://a".repeat(100_000)],
    ["application/x-www-form-urlencoded", "a".repeat(1_000_000)],
    ["application/x-www-form-urlencoded", "&".repeat(1_000_000)],
    ["application/x-www-form-urlencoded", "a=%zz&".repeat(160_000)],
    ["application/json", JSON.stringify({ a: "https://a/?x=".repeat(70_000) })],
    ["application/json", JSON.stringify({ a: `https://${"a@".repeat(400_000)}` })],
    ["application/json", JSON.stringify(Array(40_000).fill("https://a/?token=b"))],
  ])("masks a long %s quickly", (type, text) => {
    expect(cpuMs(() => json(text, type))).toBeLessThan(2000);
  });

  it("masks a token at any depth", () => {
    const deep = `${'{"a":'.repeat(20_000)}{"token":"abc"}${"}".repeat(20_000)}`;
    expect(json(deep)).not.toContain("abc");
  });

  it("masks JSON in strings of JSON, and leaves other strings alone", () => {
    expect(json('{"payload":"{\\"token\\":\\"abc\\"}","a":"\\u0041"}')).toBe(
      '{"payload":"{\\"token\\":\\"[masked]\\"}","a":"\\u0041"}',
    );
  });

  it("masks JSON in strings at any depth in linear time", () => {
    let text = '{"token":"abcdefgh"}';
    for (let i = 0; i < 3; i++) text = JSON.stringify({ a: text });
    expect(json(text)).not.toContain("abcdefgh");
    let nested = '{"a":1}';
    for (let i = 0; i < 400; i++) {
      const escaped = nested.replaceAll("\\", "\\u005c").replaceAll('"', "\\u0022");
      nested = escaped.length > 900_000 ? nested : `{"a":"${escaped}"}`;
    }
    const plain = JSON.stringify({ a: "x".repeat(nested.length) });
    // Parsing each level separately would take hundreds of times as long.
    expect(cpuMs(() => json(nested))).toBeLessThan(60 * cpuMs(() => json(plain)) + 200);
  });

  it.each([
    ["application/json; charset=utf-16", '{"token":"abc" }'],
    ["application/x-www-form-urlencoded; charset=utf-16", "token=abcd&a=1"],
    [
      "multipart/form-data; boundary=b; charset=utf-16",
      '--b\r\ncontent-disposition: form-data; name="token"\r\n\r\nabcd\r\n--b--\r\n',
    ],
  ])("masks a body wrongly declared as %s", (type, body) => {
    for (const each of [body, `${body} `]) expect(json(each, type)).not.toContain("abc");
  });

  it("masks multipart fields with any notation of the boundary", () => {
    const body = '--b\r\ncontent-disposition: form-data; name="token"\r\n\r\nabc\r\n--b--\r\n';
    for (const type of ["multipart/form-data; boundary=b", 'multipart/form-data; boundary = "b"'])
      expect(json(body, type)).toBe(body.replace("abc", "[masked]"));
  });

  it.each([
    ["utf-16le", "utf-16le", ""],
    ["utf-16", "utf-16le", "\uFEFF"],
    ["utf-16be", "utf-16be", "\uFEFF"],
    [undefined, "utf-16be", "\uFEFF"],
    [undefined, "utf-16le", "\uFEFF"],
  ])("masks a body in UTF-16 (%s, %s)", (charset, order, mark) => {
    const encoded = (text: string): Buffer => {
      const bytes = Buffer.from(mark + text, "utf16le");
      return order === "utf-16be" ? bytes.swap16() : bytes;
    };
    const type = `application/json${charset === undefined ? "" : `; charset=${charset}`}`;
    expect(maskBody(encoded('{"token":"abc","a":"é"}'), type)).toEqual(encoded('{"token":"[masked]","a":"é"}'));
    expect(maskBody(encoded('{"a":"é"}'), type)).toEqual(encoded('{"a":"é"}'));
  });

  it("masks a body of many megabytes", () => {
    const long = "\\n".repeat(10_000_000);
    expect(json(`{"token":"${long}`, "text/plain").length).toBeLessThan(100);
    expect(minifyJson(`{ "a": "${long}" }`)).toHaveLength(8 + long.length);
  });

  it("shows this tool's own sentences about proofs, and masks values", () => {
    for (const shown of [
      "desk-token: keys are configured, but there is no X-ZDesk-JWT header",
      "finance-signature: matches only if pairs are sorted",
    ])
      expect(json(shown, "text/plain")).toBe(shown);
    for (const [text, masked] of [
      ["desk-token: eyJhbGciOi.abc.def was sent", "desk-token: [masked] was sent"],
      ["access-token: swordfish was sent", "access-token: [masked] was sent"],
      ["desk-token: swordfish", "desk-token: [masked]"],
    ] as const)
      expect(json(text, "text/plain")).toBe(masked);
  });

  it("masks headers in order with repeats, and shows the scheme of an authorization", () => {
    expect(
      maskHeaders([
        ["Authorization", "Zoho-oauthtoken 1000.abc"],
        ["X-Zoho-Signature", "0f0f"],
        ["x-custom", "Bearer abc"],
        ["x-other", "Zoho-authtoken abc"],
        ["X-Zoho-Signature", "1e1e"],
        ["Host", "localhost"],
      ]),
    ).toEqual([
      ["Authorization", "Zoho-oauthtoken [masked]"],
      ["X-Zoho-Signature", "[masked]"],
      ["x-custom", "Bearer [masked]"],
      ["x-other", "Zoho-authtoken [masked]"],
      ["X-Zoho-Signature", "[masked]"],
      ["Host", "localhost"],
    ]);
  });

  it("masks parameters and passwords in a URL", () => {
    expect(maskUrl("/webhooks/zoho/crm?x=%5B1&token=abc&y=2")).toBe("/webhooks/zoho/crm?x=%5B1&token=[masked]&y=2");
    expect(maskUrl("https://user:pass@example.com/hook")).toBe("https://[masked]@example.com/hook");
    expect(maskUrl("https://me:p@ss@example.com/hook")).toBe("https://[masked]@example.com/hook");
    expect(maskUrl("/plain")).toBe("/plain");
    for (const password of ["p@ss", "pa/ss", "pa?ss", "pa#ss"])
      expect(maskUrl(`postgres://me:${password}@db/hooks?schema=a`)).toBe("postgres://[masked]@db/hooks?schema=a");
    expect(maskUrl("bullmq://:pa/ss@redis/queue")).toBe("bullmq://[masked]@redis/queue");
    expect(maskUrl("postgresql://db/hooks?password=p@ss&user=me")).toBe(
      "postgresql://db/hooks?password=[masked]&user=me",
    );
  });

  it("shows the host of a server's address, and hides what may be the rest of a password", () => {
    expect(maskUrl("postgres://a.test/db?application_name=x@b.test/db")).toBe("postgres://a.test/[masked]");
    expect(maskUrl("postgres://me:pass@a.test:5/db?schema=s")).toBe("postgres://[masked]@a.test:5/db?schema=s");
    expect(maskUrl("postgres://a&password=x@b.test/db")).toBe("postgres://[masked]@b.test/db");
    for (const password of ["12/ss", "/ss", "?ss", "#ss"])
      expect(maskUrl(`postgres://me:${password}@db/hooks`)).toMatch(/^postgres:\/\/me:(12)?[/?#]\[masked\]$/);
    expect(maskUrl("bullmqs://a.test/q?prefix=x@b.test")).toBe("bullmqs://a.test/[masked]");
  });

  it("shows a setting with the host that is connected to, and without its secrets", () => {
    expect(maskRoute("desk:*=https://me:pass@l\u043ecal.test/a?token=b")).toBe(
      "desk:*=https://[masked]@xn--lcal-55d.test/a?token=[masked]",
    );
    expect(maskSetting("3000/a?token=http://secret.test")).toBe("3000/a?token=[masked]");
    for (const text of ["3000", "/hook", "localhost:3000/a", "logs/events.db"]) expect(maskSetting(text)).toBe(text);
  });

  it("does not take a host before a backslash for a password", () => {
    // https://url.spec.whatwg.org/#authority-state: a backslash ends the host.
    const url = "http://evil.example\\@localhost:3000/hook";
    expect(new URL(url).host).toBe("evil.example");
    expect(maskUrl(url)).toBe(url);
  });

  it("does not change the delivery itself", () => {
    const delivery = {
      method: "POST",
      url: "/?token=a",
      headers: [["cookie", "b"]] as const,
      body: Buffer.from('{"token":"c"}'),
    };
    const masked = maskDelivery(delivery);
    expect(masked.url + masked.headers[0]?.[1] + masked.body).toBe('/?token=[masked][masked]{"token":"[masked]"}');
    expect(delivery.body.toString()).toBe('{"token":"c"}');
  });
});
