import { expect, it } from "vitest";
import { surviveKills } from "../support/reconcile-kills.ts";

it("reconcile finds what was missed over kills of listen and of itself, and nothing else", async () => {
  expect(await surviveKills({ changes: 30, ofListen: 3, ofReconcile: 1 })).toMatch(/^30 changes/);
}, 120_000);
