import { describe, expect, it } from "vitest";
import { readVerifyInput, streamVerifyInput } from "../../src/verify/read-input.ts";

function read(text: string | Buffer, contentType?: string) {
  const { payloads, skipped } = readVerifyInput(Buffer.from(text), contentType);
  return {
    skipped,
    payloads: payloads.map(({ line, delivery, complete, problem }) => ({
      line,
      body: delivery.body.toString("latin1"),
      type: delivery.headers.find(([name]) => name === "content-type")?.[1],
      complete,
      problem,
    })),
  };
}

const bodies = (text: string | Buffer) => read(text).payloads.map(({ line, body }) => [line, body]);

describe("an input", () => {
  it.each([
    ["compact", '{"a":1}'],
    ["of several lines, with a newline at its end", '{\n  "a": 1\n}\n'],
    ["with a byte order mark", '\uFEFF{"a":1}'],
    ["that is an array", '[{"a":1},\n{"a":2}]'],
  ])("of JSON %s is one payload of exactly its bytes", (_, text) => {
    expect(bodies(text)).toEqual([[undefined, Buffer.from(text).toString("latin1")]]);
  });

  it("of one value per line is a payload per line, without line ends and blank lines", () => {
    expect(bodies('{"a":1}\r\n\n  \n{"a":2} \n[3]')).toEqual([
      [1, '{"a":1}'],
      [4, '{"a":2} '],
      [5, "[3]"],
    ]);
    expect(bodies('\uFEFF{"a":1}\n{"a":2}\n')).toEqual([
      [1, '{"a":1}'],
      [2, '{"a":2}'],
    ]);
  });

  it("with a broken line still has the payloads of the other lines", () => {
    expect(bodies('{"a":1}\n{"a":\n{"a":3}')).toEqual([
      [1, '{"a":1}'],
      [2, '{"a":'],
      [3, '{"a":3}'],
    ]);
    expect(bodies('{"a":\n{"a":2}')).toHaveLength(2);
  });

  it("that is one broken document is one payload", () => {
    expect(bodies('{\n  "a": 1,\n}')).toEqual([[undefined, '{\n  "a": 1,\n}']]);
    expect(bodies("[\n{},\n{}\n")).toHaveLength(1);
  });

  it("preserves bytes that are not UTF-8", () => {
    const line = Buffer.from('{"a":"\xe9"}', "latin1");
    const two = Buffer.concat([line, Buffer.from("\n"), line, Buffer.from("\n")]);
    expect(bodies(two)).toEqual([
      [1, '{"a":"\xe9"}'],
      [2, '{"a":"\xe9"}'],
    ]);
  });

  it("of fields is a form, without an editor's newline", () => {
    expect(read("module=Leads&id=1%0A\n").payloads).toMatchObject([
      { body: "module=Leads&id=1%0A", type: "application/x-www-form-urlencoded" },
    ]);
  });

  it("that begins with a boundary is multipart", () => {
    const body = '--xYz\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--xYz--\r\n';
    expect(read(body).payloads).toMatchObject([{ body, type: 'multipart/form-data; boundary="xYz"' }]);
  });

  it("that is nothing else counts as JSON, so that its first error is reported", () => {
    expect(read("<html>\n<p>").payloads).toMatchObject([{ type: "application/json", problem: undefined }]);
    expect(read("").payloads).toMatchObject([{ problem: "the input is empty" }]);
  });

  it("with a content type is one body of that type", () => {
    expect(read('{"a":1}\n{"a":2}', "text/plain").payloads).toMatchObject([
      { body: '{"a":1}\n{"a":2}', type: "text/plain" },
    ]);
  });
});

describe("a JSON line of zoho-hooks", () => {
  const event = {
    v: 1,
    type: "event",
    n: 1,
    product: "crm",
    method: "POST",
    path: "/webhooks/zoho/crm?x=1",
    headers: [
      ["X-A", "1"],
      ["x-a", "2"],
    ],
    body_b64: Buffer.from([0, 255]).toString("base64"),
  };

  it("is the delivery in it, byte for byte", () => {
    const [payload] = readVerifyInput(Buffer.from(JSON.stringify(event))).payloads;
    expect(payload).toEqual({
      line: undefined,
      delivery: { method: "POST", url: event.path, headers: event.headers, body: Buffer.from([0, 255]) },
      complete: true,
      inPlace: false,
      product: "crm",
      problem: undefined,
    });
  });

  it("is the request of a dry run of send", () => {
    const { product, method, path: url, headers, body_b64 } = event;
    const line = { v: 1, type: "sent", product, url, request: { method, url, headers, body_b64 } };
    const [payload] = readVerifyInput(Buffer.from(JSON.stringify(line))).payloads;
    expect(payload).toMatchObject({ complete: true, product: "crm", delivery: { url, body: Buffer.from([0, 255]) } });
  });

  it("is skipped when it has no delivery", () => {
    const lines = [{ v: 1, type: "ready" }, event, { v: 1, type: "summary" }, { v: 1, error: { code: "usage" } }];
    const { payloads, skipped } = readVerifyInput(Buffer.from(lines.map((line) => JSON.stringify(line)).join("\n")));
    expect(payloads.map(({ line }) => line)).toEqual([2]);
    expect(skipped).toBe(3);
  });

  it("is an error when there is nothing else, or when it is damaged", () => {
    expect(read('{"v":1,"type":"ready"}').payloads).toMatchObject([
      { problem: expect.stringContaining("no deliveries") },
    ]);
    for (const damage of [
      { body_b64: "#" },
      { body_b64: undefined },
      { headers: [["a"]] },
      { headers: { a: "1" } },
      { method: 1 },
    ]) {
      const [payload] = readVerifyInput(Buffer.from(JSON.stringify({ ...event, ...damage }))).payloads;
      expect(payload?.problem).toContain("missing or malformed");
    }
  });

  it("is a payload unless it has a version and a type", () => {
    expect(read('{"type":"event","event":"invoice_created"}').payloads).toMatchObject([
      { complete: false, problem: undefined },
    ]);
  });
});

describe("an event line", () => {
  const event = (body_b64: string): string =>
    JSON.stringify({ v: 1, type: "event", method: "POST", path: "/", headers: [], body_b64 });

  // A regular expression over the whole text would overflow the stack.
  it("may have a body of many megabytes", () => {
    const body = Buffer.alloc(12_000_000, "x");
    expect(readVerifyInput(Buffer.from(event(body.toString("base64")))).payloads[0]?.delivery.body.equals(body)).toBe(
      true,
    );
  });

  it.each(["a", "ab=", "====", "a===", "ab=c", "ab-_"])("with a body_b64 of %s is malformed", (text) => {
    expect(read(event(text)).payloads[0]?.problem).toContain("body_b64");
  });
});

/** The payloads of an input that arrives in chunks of so many bytes. */
async function streamed(bytes: Buffer, size: number) {
  async function* chunks() {
    for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
  }
  const items = [];
  for await (const item of streamVerifyInput(chunks())) items.push(item);
  const payloads = items.filter((each) => each !== undefined);
  return { payloads, skipped: items.length - payloads.length };
}

describe("an input in pieces", () => {
  it.each([
    ["nothing", ""],
    ["a document", '{\n  "a": "é"\n}\n'],
    ["a document behind a byte order mark", '\uFEFF{"a":1}'],
    ["lines", '{"a":"é😀"}\n{"a":2}\n\n{"a":3}'],
    ["lines with CRLF behind a byte order mark", '\uFEFF{"a":"€"}\r\n\r\n  \r\n{"a":2}\r\n{"a":3}\r\n'],
    ["lines, some of them broken", '{"a":1}\n{"a":\n{"v":1,"type":"ready"}\n{"v":\n[4]'],
    ["lines, the first of them broken", '{"a":\n{"a":2}\n{"a":3}\n'],
    ["lines without a delivery", '{"v":1,"type":"ready"}\n{"v":1,"type":"summary"}\n'],
    ["a form", "a=1&b=%C3%A9\r\n"],
  ])("has the same payloads as in one: %s", async (_, text) => {
    const bytes = Buffer.from(text);
    for (const size of [1, 2, 3, 5, 16, 1000]) expect(await streamed(bytes, size)).toEqual(readVerifyInput(bytes));
  });

  it("is read once, however long a line is", async () => {
    const long = `{"a":"${"x".repeat(32_000_000)}"}`;
    const { payloads } = await streamed(Buffer.from(`{"a":1}\n{"a":2}\n${long}\n{"a":4}`), 4096);
    expect(payloads.map(({ delivery }) => delivery.body.length)).toEqual([7, 7, long.length, 7]);
  });
});
