import { join } from "node:path";
import { expect, it } from "vitest";
import { BIN, runBin, startBin } from "../support/bin.ts";
import { folderWith } from "../support/files.ts";

const FORM = "application/x-www-form-urlencoded";
const BYTES = 7_000_000;
const filled = (unit: string): string => unit.repeat(BYTES / unit.length);
const part = (headers: string, content: string): string => `--x\r\n${headers}\r\n\r\n${content}\r\n--x--`;

const BODIES: readonly (readonly [what: string, type: string, body: string])[] = [
  ["letters", "application/json", filled("A")],
  ["spaces", "application/json", filled(" ")],
  ["a form without a value", FORM, filled("A")],
  ["a form with a long value", FORM, `a=${filled("b")}`],
  [
    "a part with a long name",
    "multipart/form-data; boundary=x",
    part(`content-disposition: form-data; name="${filled("a")}"`, "1"),
  ],
  ["a part with a long header", "multipart/form-data; boundary=x", part(filled("a"), "1")],
  ["text", "text/plain", filled("A")],
];

/** Once a process has compiled a megabyte of patterns, V8 optimises no more of them, and each repetition takes some of its stack. */
function unoptimised(): string {
  const lines = [
    'require("node:v8").setFlagsFromString("--no-regexp-optimization");',
    `require(${JSON.stringify(BIN)});`,
  ];
  return join(folderWith({ "bin.cjs": lines.join("\n") }), "bin.cjs");
}

it("listen records megabytes of one character in a process that has run for long", { timeout: 120_000 }, async () => {
  const listen = startBin(["listen", "--port", "0", "--tunnel", "none"], {
    bin: unoptimised(),
    env: { ZOHO_HOOKS_MAX_BODY: "8mb" },
  });
  const [, url = ""] = await listen.said(/Listening on (http:\S+?)\/<product>/);
  for (const [what, type, body] of BODIES) {
    const { status } = await fetch(`${url}/forms`, { method: "POST", headers: { "content-type": type }, body });
    expect([200, 400], what).toContain(status);
  }
  listen.kill("SIGINT");
  const { stdout, stderr } = await listen.ended;
  expect(stdout + stderr).not.toContain("call stack");
  expect(stdout + stderr).toMatch(new RegExp(`^forms +${BODIES.length} `, "m"));
});

it("verify says what megabytes of one character are", { timeout: 120_000 }, async () => {
  const bin = unoptimised();
  for (const [what, type, body] of BODIES) {
    const options = { bin, cwd: folderWith({ body }) };
    const given = await runBin(["verify", "body", "-H", `content-type: ${type}`], options);
    const guessed = await runBin(["verify", "body"], options);
    expect([given.status, guessed.status], what + given.stderr + guessed.stderr).toEqual([4, 4]);
  }
});
