import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type HumanListener, startHumanListener } from "../support/human-listener.ts";
import { startListener } from "../support/listener.ts";

let app: HumanListener;
beforeAll(async () => {
  app = await startHumanListener([], { env: { ZOHO_HOOKS_MAX_BODY: "10" } });
});
afterAll(async () => {
  const { err } = await app.stop();
  for (const answer of ["400 Bad Request: the request has no Host", "417 Expectation Failed", "405 Method Not Allowed"])
    expect(err.split(`warning: answered ${answer}`)).toHaveLength(2);
});

/** Sends a text and returns all that is received until the connection closes. */
function exchange(text: string, url = app.url): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(text));
    let answer = "";
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
  });
}

const post = (lines: string, body = ""): string =>
  `POST /webhooks/zoho/crm HTTP/1.1\r\nconnection: close\r\n${lines}\r\n\r\n${body}`;

describe("a connection that never produces a request", () => {
  it.each([
    ["without a host", post("content-length: 0"), "400 Bad Request"],
    ["with an unknown expectation", post("host: x\r\nexpect: banana\r\ncontent-length: 0"), "417 Expectation Failed"],
    ["for a proxy (CONNECT)", "CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n", "405 Method"],
  ])("%s is answered and reported once", async (_, text, status) => {
    for (const each of [text, text.replace("banana", "cherry")])
      expect(await exchange(each)).toContain(`HTTP/1.1 ${status}`);
  });
});

describe("a sender that expects 100-continue", () => {
  it("gets 100 Continue", async () => {
    const answer = await exchange(post("host: x\r\nexpect: 100-continue\r\ncontent-length: 2", "{}"));
    expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 (?!413)/);
  });

  it("gets 413 at once for a body that is too large", async () => {
    expect(await exchange(post("host: x\r\nexpect: 100-continue\r\ncontent-length: 11"))).toMatch(/^HTTP\/1\.1 413 /);
  });
});

it("answers 413 without a reset to a sender that first writes all of a large body", async () => {
  const body = "x".repeat(20_000_000);
  for (let i = 0; i < 5; i++)
    expect(await exchange(post(`host: x\r\ncontent-length: ${body.length}`, body))).toMatch(/^HTTP\/1\.1 413 /);
});

it("keeps every header of a request with thousands", async () => {
  const listener = await startListener();
  try {
    await exchange(post(`host: x\r\ncontent-length: 0\r\n${"a:1\r\n".repeat(2099)}last: 1`), listener.url);
    const { headers } = (await listener.event(1)) as { headers: string[][] };
    expect(headers).toHaveLength(2103);
    expect(headers.at(-1)).toEqual(["last", "1"]);
  } finally {
    await listener.stop();
  }
});
