import { expect, it, onTestFinished } from "vitest";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/channels/expiry.ts";
import type { ApiRequest } from "../../src/emulator/answer.ts";
import { type ChannelWorld, isWatch, startChannelWorld } from "../support/channel-world.ts";
import { IS_LONG } from "../support/faults.ts";
import { startListener } from "../support/listener.ts";
import { run, tempFolder } from "../support/run.ts";

const MONTH_MS = 31 * DAY_MS;
const STEP_MS = IS_LONG ? 15 * MINUTE_MS : 6 * HOUR_MS;
const CHANNELS = 60;
/** Each has a channel of its own; `channels renew --every` keeps the others alive. */
const LISTENERS = IS_LONG ? 10 : 3;

it("sixty channels outlive a month of rate limits, outages and lost answers", async () => {
  const world = await startChannelWorld();
  onTestFinished(() => world.close());
  const { clock, server } = world;
  const options = () => ({
    env: { ...world.env, XDG_CONFIG_HOME: config },
    ...{ now: clock.now, sleep: clock.wait, cwd: tempFolder() },
  });
  const config = tempFolder();
  const listeners = [];
  for (let i = 0; i < LISTENERS; i++) {
    clock.advance(1000);
    listeners.push(await startListener(["--channel", "Leads.create"], options()));
  }
  const url = `${listeners[0]?.url}/webhooks/zoho/crm`;
  for (let id = LISTENERS + 1; id <= CHANNELS; id++) {
    const argv = ["channels", "create", "Leads.create", "--url", url, "--id", String(id)];
    expect((await run(argv, options())).exitCode).toBe(0);
  }
  const channels = (): ReadonlySet<string> => new Set(server.watch.rows().map(({ channelId }) => channelId));
  const before = channels();
  expect(before.size).toBe(CHANNELS);
  const stop = new AbortController();
  const renewing = run(["channels", "renew", "--every", "--json"], { ...options(), signal: stop.signal });

  const faults = failFrom(world, clock.now().getTime());
  // Each channel, the search for new ones, and in each listener the detection of sleep.
  const sleepers = CHANNELS + 1 + LISTENERS;
  for (let passed = 0; passed < MONTH_MS; passed += STEP_MS) {
    await clock.asleep(sleepers);
    clock.advance(STEP_MS);
    expect(channels(), `after ${passed / DAY_MS} days`).toEqual(before);
  }
  await clock.asleep(sleepers);
  expect(faults()).toEqual({ isLimited: true, isRefused: true, isLost: true });

  // They still post, and each delivery is verified.
  server.create("crm", "Leads", { Last_Name: "Doe" });
  const [first] = listeners;
  if (first === undefined) throw new Error("there are listeners");
  const verified = expect.objectContaining({ id: "token", result: "verified" });
  for (let n = 1; n <= CHANNELS - LISTENERS + 1; n++)
    expect((await first.event(n)).signatures).toContainEqual(verified);
  for (const each of listeners) expect((await each.event(1)).signatures).toContainEqual(verified);

  stop.abort();
  const { exitCode, lines } = await renewing;
  expect(exitCode).toBe(0);
  const states = [...lines(), ...listeners.flatMap((each) => each.lines())].flatMap(({ type, state }) =>
    type === "channel" ? [state] : [],
  );
  expect(new Set(states)).toEqual(new Set(["created", "renewed", "expiring"]));
  for (const each of listeners) expect(await each.stop()).toMatchObject({ exitCode: 0, err: "" });
  expect(channels().size).toBe(CHANNELS - LISTENERS);
});

/**
 * Rate limits when the first renewals are due, no accounts server for the day of the second, and each day one lost answer.
 * Returns which of them have happened.
 */
function failFrom({ server, clock }: ChannelWorld, startMs: number) {
  let [isLimited, isRefused, isLost] = [false, false, false];
  const passed = (): number => clock.now().getTime() - startMs;
  const isWithin = (fromMs: number, forMs: number): boolean => passed() >= fromMs && passed() < fromMs + forMs;
  const busy = { code: "TOO_MANY_REQUESTS", message: "slow down", details: {}, status: "error" };
  const always = Number.POSITIVE_INFINITY;
  server.trouble({ status: 429, headers: { "retry-after": "3600" }, body: busy }, always, (request) => {
    const isHit = isWatch("PUT")(request) && isWithin(5.25 * DAY_MS, 12 * HOUR_MS);
    isLimited ||= isHit;
    return isHit;
  });
  server.trouble("cut", always, ({ path }) => {
    const isHit = path === "/oauth/v2/token" && isWithin(10.25 * DAY_MS, DAY_MS);
    isRefused ||= isHit;
    return isHit;
  });
  let lostOn = 0;
  server.trouble("cut", always, (request: ApiRequest) => {
    const day = Math.floor(passed() / DAY_MS);
    if (!isWatch("PUT")(request) || day === lostOn) return false;
    lostOn = day;
    isLost = true;
    // The channel is renewed, and the answer does not arrive.
    return server.watch.answer(request, ["ZohoCRM.notifications.ALL"])?.status === 200;
  });
  return () => ({ isLimited, isRefused, isLost });
}
