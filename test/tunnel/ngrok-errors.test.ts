import { describe, expect, it } from "vitest";
import { secret } from "../../src/delivery/secrets.ts";
import { mapNgrokError } from "../../src/tunnel/ngrok-errors.ts";
import { ExitCode } from "../../src/util/errors.ts";

const context = {
  authtoken: secret("2abcTheToken", "the file ngrok.yml"),
  domain: "hooks.example.com",
  serverAddr: "connect.ngrok-agent.com:443",
};
const refusal = (code: string) =>
  new Error(`failed to connect session: Some text.\nYour authtoken: 2abcTheToken error_code: ${code}`);

describe("an ngrok error", () => {
  it.each([
    ["ERR_NGROK_105", ExitCode.credentials, "the file ngrok.yml"],
    ["ERR_NGROK_107", ExitCode.credentials, "the file ngrok.yml"],
    ["ERR_NGROK_4018", ExitCode.credentials, "verified account"],
    ["ERR_NGROK_320", ExitCode.credentials, "may not use the domain hooks.example.com"],
    ["ERR_NGROK_108", ExitCode.connectionLost, "as many agents"],
    ["ERR_NGROK_334", ExitCode.connectionLost, "already serving the domain hooks.example.com"],
    ["ERR_NGROK_121", ExitCode.connectionLost, "this version of its agent"],
    ["ERR_NGROK_9040", ExitCode.connectionLost, "this IP address"],
    ["ERR_NGROK_4321", ExitCode.connectionLost, "Some text"],
  ])("%s has an exit code, a cause and a remedy", (code, exitCode, cause) => {
    const error = mapNgrokError(refusal(code), context);

    expect(error.exitCode).toBe(exitCode);
    expect(error.code).toBe(code);
    expect(error.message).toContain(cause);
    expect(error.message).toContain(code);
    for (const text of [error.message, error.hint]) expect(text).toMatch(/^[a-z].*[^.]$/);
    expect(error.message + error.hint).not.toContain("2abcTheToken");
  });

  it("loses control characters", () => {
    const error = mapNgrokError(new Error("bad \u001b[31mred\u0007\nERR_NGROK_4321"), context);

    expect(error.message).not.toMatch(/\p{Cc}/u);
    expect(error.message).toContain("bad [31mred");
  });
});
