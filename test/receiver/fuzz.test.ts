import { connect } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Listener, startListener } from "../support/listener.ts";

let app: Listener;
beforeAll(async () => {
  app = await startListener([], { env: { ZOHO_WEBHOOK_SECRET: "fuzz", ZOHO_WEBHOOK_TOKEN: "fuzz" } });
});
afterAll(async () => {
  const { exitCode, err } = await app.stop();
  expect(err).toBe("");
  expect(exitCode).toBe(0);
});

/** Sends bytes and resolves to all that is received. Input that is not a request must end to get an answer. */
async function exchange(bytes: Buffer, isRequest = true): Promise<string> {
  const { hostname, port } = new URL(app.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let answer = "";
    socket.setTimeout(5000, () => reject(new Error("no answer")));
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
    });
    socket.on("error", () => resolve(answer));
    socket.on("close", () => resolve(answer));
    if (isRequest) socket.write(bytes);
    else socket.end(bytes);
  });
}

function http(path: string, type: string, body: Buffer, extra = "", method = "POST"): Buffer {
  const head = `${method} ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: ${type}\r\n${extra}content-length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), body]);
}

const types = fc.constantFrom(
  "application/json",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=b",
  "text/plain",
  "application/json; charset=latin1",
  "application/json; charset=nonsense",
  "",
);
const paths = fc.constantFrom(
  "/webhooks/zoho",
  ...["crm", "desk", "books", "forms", "survey"].map((id) => `/webhooks/zoho/${id}`),
  ...["?event=constructor", "?action=__proto__", `${"/".repeat(10_000)}x/`].map((end) => `/webhooks/zoho/books${end}`),
);
const methods = fc.constantFrom(
  "POST",
  "GET",
  "HEAD",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "TRACE",
  "PROPFIND",
  "BREW",
);
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const likely = fc
  .record(
    {
      module: fc.jsonValue(),
      operation: fc.jsonValue(),
      event: fc.oneof(fc.constantFrom("invoice_created", "Ticket.Create", "__proto__", "constructor"), fc.jsonValue()),
      ids: fc.jsonValue(),
      data: fc.jsonValue(),
      token: fc.oneof(fc.constant({ toString: 1 }), fc.jsonValue()),
      challenge: fc.jsonValue(),
      form_link_name: fc.jsonValue(),
      submission_id: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  .map((value) => Buffer.from(JSON.stringify(value)));
const multipart = bytes.map((body) =>
  Buffer.concat([
    Buffer.from('--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n'),
    body,
    Buffer.from("\r\n--b--"),
  ]),
);

describe("the receiver", () => {
  it("answers any body with a status below 500", async () => {
    await fc.assert(
      fc.asyncProperty(paths, types, fc.oneof(bytes, likely, multipart), async (path, type, body) => {
        const status = Number((await exchange(http(path, type, body))).split(" ", 2)[1]);
        expect(status).toBeGreaterThanOrEqual(200);
        expect(status).toBeLessThan(500);
      }),
      { numRuns: 400 },
    );
  });

  it("survives input that is not HTTP", async () => {
    await fc.assert(
      fc.asyncProperty(bytes, async (body) => {
        const answer = await exchange(body, false);
        expect(answer === "" || /^HTTP\/1\.1 4\d\d /.test(answer)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it("answers strange headers, methods and targets with a status below 500", async () => {
    const text = fc.string({ maxLength: 60 }).map((value) => value.replace(/[\r\n]/g, ""));
    await fc.assert(
      fc.asyncProperty(text, text, methods, async (header, target, method) => {
        const path = `/webhooks/zoho/${encodeURIComponent(target)}?${encodeURIComponent(header)}`;
        const extra = `x-zoho-signature: ${Buffer.from(header).toString("latin1")}\r\n`;
        const answer = await exchange(http(path, "application/json", Buffer.from("{}"), extra, method));
        expect(Number(answer.split(" ", 2)[1])).toBeLessThan(500);
      }),
      { numRuns: 200 },
    );
  });

  it("still answers 200 afterwards", async () => {
    expect((await app.post("/webhooks/zoho", '{"challenge":1}')).text).toBe('{"challenge":1}');
  });
});
