import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { expect, it, onTestFinished } from "vitest";
import { BIN, cleanEnv } from "../support/bin.ts";
import { app, CRM, lead } from "../support/forward-run.ts";
import { tempFolder } from "../support/run.ts";

type Line = Readonly<Record<string, unknown>>;

it.skipIf(process.platform === "win32")(
  "gives up no delivery because the system lets no more connections be opened",
  async () => {
    const target = await app();
    const words = ["listen", "--port", "0", "--json", "-f", target.url, "--retries", "1", "--retry-base", "50ms"];
    const child = spawn("sh", ["-c", 'ulimit -n 60; exec "$0" "$@"', process.execPath, BIN, ...words], {
      cwd: tempFolder(),
      env: cleanEnv(),
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    const lines: Line[] = [];
    const reader = createInterface(child.stdout).on("line", (text) => lines.push(JSON.parse(text) as Line));
    const line = async (type: string, state?: string): Promise<Line> => {
      for (;;) {
        const found = lines.find((each) => each.type === type && (state === undefined || each.state === state));
        if (found !== undefined) return found;
        await once(reader, "line");
      }
    };
    const port = Number(new URL(String((await line("ready")).url)).port);
    // Connections that stay open take every descriptor that there is.
    const sockets = Array.from({ length: 100 }, (_, i) => {
      const body = lead(i);
      const head = `POST ${CRM} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
      const socket = connect(port, "127.0.0.1").on("error", () => {});
      socket.write(`${head}\r\n\r\n${body}`);
      return socket;
    });
    expect((await line("target", "down")).reason).toContain("no more connections");
    for (const socket of sockets) socket.destroy();
    await line("target", "up");
    const received = lines.filter(({ type }) => type === "event").length;
    await target.came(received);
    child.kill("SIGINT");
    await once(child, "close");
    expect(lines.at(-1)).toMatchObject({ type: "summary", received, forwards: { failed: 0, waiting: 0 } });
  },
  30_000,
);
