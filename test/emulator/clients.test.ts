import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { PUBLISHED } from "../../src/emulator/published.ts";
import { openEmulatorApi } from "../support/emulator-api.ts";
import { clients, parityTable } from "./clients/index.ts";
import { replay } from "./clients/replay.ts";

const PAGE = join(import.meta.dirname, "../../docs/emulator.md");
const BLOCK = /(<!-- clients:start -->\n)[\s\S]*?(<!-- clients:end -->)/g;

it.each(clients.map((client) => [client.name, client] as const))(
  "%s works, but for its known gaps",
  async (_, client) => {
    // Its channel expires on the fifth.
    const emulator = await openEmulatorApi([], { now: () => new Date("2026-12-02T00:00:00Z") });
    try {
      const tokens = await fetch(`${emulator.url}/oauth/v2/token`, {
        method: "POST",
        body: new URLSearchParams({
          grant_type: "refresh_token",
          client_id: PUBLISHED.clientId,
          client_secret: PUBLISHED.clientSecret,
          refresh_token: PUBLISHED.refreshToken,
        }),
      });
      const { scope } = (await tokens.json()) as { scope: string };
      const failed = await replay(client, emulator, scope.split(" "));
      expect([...failed.keys()].sort(), [...failed.values()].join("\n")).toEqual(Object.keys(client.gaps ?? {}).sort());
    } finally {
      await emulator.close();
    }
  },
);

it("docs/emulator.md says what clients lack; `npm run docs` writes it", async () => {
  const page = readFileSync(PAGE, "utf8").replaceAll("\r\n", "\n");
  expect(page.match(BLOCK) ?? [], "one block between <!-- clients:start --> and <!-- clients:end -->").toHaveLength(1);
  const current = page.replace(BLOCK, (_, start: string, end: string) => `${start}\n${parityTable()}\n\n${end}`);
  await expect(current).toMatchFileSnapshot(PAGE);
});
