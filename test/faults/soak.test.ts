import { setInterval as every } from "node:timers/promises";
import { expect, it } from "vitest";
import { startChild } from "../support/child.ts";
import { expectNothingLost, IS_LONG, peakOf } from "../support/faults.ts";
import { startListenProcess } from "../support/listen-process.ts";
import { postLoad } from "../support/post-load.ts";
import { tempFolder } from "../support/run.ts";

/** Shorter runs still warm up: what they show is that nothing is lost. */
const SECONDS = IS_LONG ? 600 : 20;

it(`listen under a steady load loses nothing and does not grow in ${SECONDS} s`, async () => {
  const cwd = tempFolder();
  const recording = await startChild("recording-app.ts", []);
  await recording.line();
  const target = `http://127.0.0.1:${recording.lines[0]?.replace("port ", "")}`;
  const listener = await startListenProcess(["--forward-to", target], { cwd });
  const load = postLoad({ url: listener.url, from: 0, count: 1e9, connections: 8, pauseMs: 20 });
  const samples: number[] = [];
  for await (const _ of every(1000)) {
    samples.push(listener.megabytes()?.now ?? Number.NaN);
    if (samples.length === SECONDS) break;
  }
  await load.stop();
  const peakMegabytes = peakOf(listener);
  await recording.line(load.answered.length + 1);
  expect(await listener.stop()).toMatchObject({
    exitCode: 0,
    summary: { forwards: { delivered: load.answered.length, failed: 0, waiting: 0 } },
  });
  // The resident memory goes up and down with garbage collections: its peaks tell whether it grows.
  const [first, second] = [samples.slice(0, SECONDS / 2), samples.slice(SECONDS / 2)].map((half) => Math.max(...half));
  const growth = (second ?? 0) - (first ?? 0);
  const fault = `${SECONDS} s of load, peak of the second half ${growth.toFixed(1)} MB above that of the first`;
  await expectNothingLost({ fault, cwd, loads: [load], peakMegabytes });
  expect(load.refused).toEqual([]);
  if (IS_LONG && !Number.isNaN(growth)) expect(growth).toBeLessThan(15);
});
