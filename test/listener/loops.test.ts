import { expect, it } from "vitest";
import { app, CRM, lead, listen } from "../support/forward-run.ts";
import type { Listener } from "../support/listener.ts";

const RECORD = "4876876000000331002";

it.each([[[]], [["--respond", "mirror"]]])(
  "listen %j names a record that the app changes whenever it is told of it",
  async (flags) => {
    let listener: Listener | undefined;
    let changes = 1;
    const target = await app((response) => {
      response.end("OK");
      if (changes < 12) void listener?.post(CRM, lead(++changes, RECORD));
    });
    listener = await listen(["--forward-to", target.url, ...flags]);
    await listener.post(CRM, lead(1, RECORD));
    expect(await listener.line("warning")).toMatchObject({
      message: expect.stringMatching(
        `^crm ${RECORD} was changed 8 times in \\d s, each time soon after your app's answer`,
      ),
      hint: "zoho-hooks help loops",
    });
    await target.came(12);
    await listener.stop();
    expect(listener.lines().filter(({ type }) => type === "warning")).toHaveLength(1);
  },
);

it("listen does not name 500 ordinary changes a loop", async () => {
  const target = await app();
  const listener = await listen(["--forward-to", target.url]);
  for (let i = 1; i <= 500; i++) await listener.post(CRM, lead(i, `48768760000003${String(i % 100).padStart(5, "0")}`));
  await listener.line("forward", { state: "delivered" }, 500);
  await listener.stop();
  expect(listener.lines().filter(({ type }) => type === "warning")).toEqual([]);
});
