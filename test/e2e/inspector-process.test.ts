import { expect, it, vi } from "vitest";
import { connect } from "../support/inspector.ts";
import { startListenProcess } from "../support/listen-process.ts";
import { tempFolder } from "../support/run.ts";

it.each(["stop", "kill"] as const)("the inspector of listen --ui ends with it: %s", async (how) => {
  const listen = await startListenProcess(["--ui"], { cwd: tempFolder() });
  const inspector = connect(String(listen.lines.find(({ type }) => type === "ready")?.inspector_url));
  expect((await inspector.get("/api/state")).json()).toMatchObject({ receiver: { url: listen.url } });
  if (how === "kill") await listen.kill();
  else expect(await listen.stop()).toMatchObject({ exitCode: 0 });
  expect(listen.warnings).toEqual([]);
  await vi.waitFor(() => expect(inspector.get("/api/state")).rejects.toThrow("ECONNREFUSED"), 5000);
});
