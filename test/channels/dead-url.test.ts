import { lookup } from "node:dns/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findDeadUrl } from "../../src/channels/dead-url.ts";
import { type Rig, startRig } from "../support/zoho-client.ts";

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.close());

const find = (url: string, control: string) => findDeadUrl(rig.http, url, control, new AbortController().signal);

describe("a URL whose host name does not resolve", () => {
  it("proves nothing while no other name resolves, and is only a hint otherwise", async ({ skip }) => {
    // Without a name server the failure is EAI_AGAIN, which proves nothing.
    const code = await lookup("nothing.invalid").catch((error) => error.code);
    expect(await find("http://nothing.invalid/", "nothing-else.invalid")).toBeUndefined();
    skip(code !== "ENOTFOUND");
    expect(await find("http://nothing.invalid/", "localhost")).toEqual({
      because: "its host name does not resolve from here",
      isSure: false,
    });
  });
});
