import { createHash, randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { request } from "undici";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { secret } from "../../src/delivery/secrets.ts";
import { ExitCode, UserError } from "../../src/util/errors.ts";
import { type NgrokEdge, startNgrokEdge } from "../support/ngrok-edge.ts";
import {
  type LocalReceiver,
  openThrough,
  startLocalReceiver,
  type TunnelUnderTest,
} from "../support/tunnelled-receiver.ts";

const TOKEN = "2abcSecretTokenOfTheTest_7xyz";
const authtoken = secret(TOKEN, "NGROK_AUTHTOKEN");

let edge: NgrokEdge;
const cleanUps: (() => Promise<void>)[] = [];

beforeEach(async () => {
  edge = await startNgrokEdge({ acceptToken: TOKEN });
  cleanUps.push(() => edge.close());
});

// The tunnel before the edge: an agent whose edge goes first tries to get it back.
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function receiver(...handler: Parameters<typeof startLocalReceiver>): Promise<LocalReceiver> {
  const local = await startLocalReceiver(...handler);
  cleanUps.push(() => local.close());
  return local;
}

async function open(local: LocalReceiver, ...more: [object?, object?]): Promise<TunnelUnderTest> {
  const under = await openThrough(edge, local, { authtoken, ...more[0] }, more[1]);
  cleanUps.push(() => under.tunnel.close());
  return under;
}

async function failure(work: Promise<unknown>): Promise<UserError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof UserError)) throw new Error(`not a UserError: ${String(error)}`);
  expect(`${error.message} ${error.hint} ${error.stack}`).not.toContain(TOKEN);
  return error;
}

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

describe("a tunnel by the real ngrok agent", () => {
  it("carries bodies of 2 MB each way unchanged", async () => {
    const up = randomBytes(2_000_000);
    const down = randomBytes(2_000_000);
    let arrived = "";
    const local = await receiver(async (incoming, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
      arrived = sha256(Buffer.concat(chunks));
      response.end(down);
    });
    const { tunnel } = await open(local);

    const answer = await request(`${tunnel.url}/webhooks/zoho/crm`, { method: "POST", body: up });
    const body = Buffer.from(await answer.body.arrayBuffer());

    expect(answer.statusCode).toBe(200);
    expect(arrived).toBe(sha256(up));
    expect(sha256(body)).toBe(sha256(down));
  });

  it("carries 50 requests at once, each to its own answer", async () => {
    let waiting: (() => void)[] = [];
    const local = await receiver((incoming, response) => {
      // No answer before all of them are here: they are at the receiver at the same time.
      waiting.push(() => response.end(incoming.url));
      if (waiting.length < 50) return;
      for (const answer of waiting) answer();
      waiting = [];
    });
    const { tunnel } = await open(local);

    const paths = Array.from({ length: 50 }, (_, i) => `/n/${i}`);
    const answers = await Promise.all(
      paths.map(async (path) => await (await request(`${tunnel.url}${path}`)).body.text()),
    );

    expect(answers).toEqual(paths);
  });

  it("hands on the caller's headers in order with repeats, and who called", async () => {
    let rawHeaders: string[] = [];
    const local = await receiver((incoming, response) => {
      rawHeaders = incoming.rawHeaders;
      response.end();
    });
    const { tunnel } = await open(local);

    await (await request(`${tunnel.url}/x`, { headers: ["X-B", "1", "x-a", "2", "X-B", "3"] })).body.dump();

    const pairs = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [[name, rawHeaders[i + 1]]] : []));
    expect(pairs.filter(([name]) => /^x-[ab]$/i.test(name ?? ""))).toEqual([
      ["X-B", "1"],
      ["x-a", "2"],
      ["X-B", "3"],
    ]);
    expect(pairs).toContainEqual(["X-Forwarded-For", "127.0.0.1"]);
    expect(pairs).toContainEqual(["X-Forwarded-Proto", "https"]);
    expect(pairs).toContainEqual(["X-Forwarded-Host", new URL(tunnel.url).host]);
  });

  it("asks for the domain and says the URL that it got", async () => {
    const { tunnel, statuses } = await open(await receiver(), { domain: "hooks.example.com" });

    expect(edge.bindings().map((binding) => binding.domain)).toEqual(["hooks.example.com"]);
    expect(tunnel.url).toBe(edge.publicUrl());
    expect(statuses).toEqual([{ type: "up", at: expect.any(Date), url: edge.publicUrl() }]);
  });

  it("unbinds when it is closed", async () => {
    const { tunnel } = await open(await receiver());
    const [binding] = edge.bindings();

    await tunnel.close();

    expect(edge.unbinds).toContain(binding?.id);
    expect(edge.bindings()).toEqual([]);
    const answer = await request(tunnel.url);
    await answer.body.dump();
    expect(answer.statusCode).toBe(502);
    expect(answer.headers["ngrok-error-code"]).toBe("ERR_NGROK_3200");
  });
});

describe("a tunnel that cannot be opened", () => {
  it("names the source of a refused token and not the token", async () => {
    const wrong = secret(`${TOKEN}-wrong`, "NGROK_AUTHTOKEN");
    const error = await failure(openThrough(edge, await receiver(), { authtoken: wrong }));

    expect(error.exitCode).toBe(ExitCode.credentials);
    expect(error.code).toBe("ERR_NGROK_107");
    expect(error.message).toBe("ngrok does not accept the authtoken from NGROK_AUTHTOKEN (ERR_NGROK_107)");
  });

  it("cuts the token out of a refusal that it does not know", async () => {
    edge.faults.refuseAuth("ERR_NGROK_4999");
    const error = await failure(openThrough(edge, await receiver(), { authtoken }));

    expect(error.message).toContain("The authentication failed. Your authtoken: [authtoken] (ERR_NGROK_4999)");
    expect(error.hint).toContain("https://ngrok.com/docs/errors/err_ngrok_4999");
  });

  it("tells a session limit from a bad token", async () => {
    edge.faults.refuseAuth("ERR_NGROK_108");
    const error = await failure(openThrough(edge, await receiver(), { authtoken }));

    expect(error.exitCode).toBe(ExitCode.connectionLost);
    expect(error.hint).toContain("https://dashboard.ngrok.com/agents");
  });

  it("names the domain that another agent serves", async () => {
    const local = await receiver();
    await open(local, { domain: "hooks.example.com" });
    const error = await failure(openThrough(edge, local, { authtoken, domain: "hooks.example.com" }));

    expect(error.code).toBe("ERR_NGROK_334");
    expect(error.message).toContain("hooks.example.com");
    expect(edge.bindings()).toHaveLength(1);
  });

  it("says that the network is missing", async () => {
    await edge.faults.stop();
    const error = await failure(openThrough(edge, await receiver(), { authtoken }));

    expect(error.exitCode).toBe(ExitCode.connectionLost);
    expect(error.message).toBe(
      `ngrok cannot be reached at ${edge.serverAddr}: the connection was refused (ECONNREFUSED)`,
    );
  });

  it("says that the certificate is not trusted", async () => {
    const error = await failure(openThrough(edge, await receiver(), { authtoken, rootCas: undefined }));

    expect(error.hint).toContain("tunnel.rootCas");
  });

  it("says which CA file cannot be read", async () => {
    const error = await failure(openThrough(edge, await receiver(), { authtoken, rootCas: "no-such-file.pem" }));

    expect(error.exitCode).toBe(ExitCode.usage);
    expect(error.message).toContain("no-such-file.pem");
  });
});

describe("a tunnel whose session breaks", () => {
  it("comes back by itself after a cut in the middle of a request", async () => {
    let arrived = () => {};
    const inside = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const local = await receiver((incoming, response) => {
      incoming.resume();
      if (incoming.url === "/held") arrived();
      else response.end("served");
    });
    const { tunnel, said, statuses } = await open(local);

    const held = request(`${tunnel.url}/held`);
    await inside;
    edge.faults.cutSessions();

    expect((await held).statusCode).toBe(502);
    const down = await said("down");
    const back = await said("reconnected");
    expect(Math.abs(back.downMs - (back.at.getTime() - down.at.getTime()))).toBeLessThan(50);
    expect(back.previousUrl).toBeUndefined();
    expect(statuses.map(({ type }) => type)).toEqual(["up", "down", "reconnected"]);
    expect(await (await request(`${tunnel.url}/again`)).body.text()).toBe("served");
  });

  it("comes back when the edge was away for longer than the agent itself would try", async () => {
    const { tunnel, said } = await open(await receiver(), { domain: "hooks.example.com" });
    edge.faults.hangUp();
    await said("down");
    // Three attempts are the agent's, up to 2.6 s after the cut; its next one would come after 125 s. Ours follow.
    await edge.until(() => edge.hungUp() > 3);
    edge.faults.moveTo("localhost");
    await edge.faults.restart();

    const back = await said("reconnected");

    expect(back.url).toBe(edge.publicUrl("localhost"));
    expect(back.previousUrl).toBe(edge.publicUrl());
    expect(tunnel.url).toBe(back.url);
    expect(edge.bindings().map((binding) => binding.domain)).toEqual(["hooks.example.com"]);
  });

  it("gives the agent five seconds in all to come back, however long each look takes", async () => {
    const local = await receiver();
    const { said } = await open(
      local,
      {},
      {
        // As through a network that swallows what is sent until a new session is there.
        reaches: async (_: string, signal: AbortSignal) => {
          if (edge.auths.length > 2) return true;
          await pause(4_000, undefined, { signal });
          return false;
        },
      },
    );
    edge.faults.cutSessions();
    const { downMs } = await said("reconnected");
    expect(downMs).toBeGreaterThan(4_900);
    expect(downMs).toBeLessThan(15_000);
  });

  it("is replaced when its requests no longer arrive, whatever the session says", async () => {
    const { said } = await open(await receiver(), {}, { checkEveryMs: 50 });
    edge.faults.dropBindings();

    expect((await said("down")).reason).toContain("no longer arrive");
    await said("reconnected");

    expect(edge.bindings()).toHaveLength(1);
  });

  it("is not lost to the time for which this process stood still", async () => {
    const { said } = await open(await receiver(), {}, { checkEveryMs: 50, timeoutMs: 1500 });
    edge.faults.dropBindings();
    await said("down");

    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1600);
    const { downMs } = await said("reconnected");

    expect(downMs).toBeGreaterThan(1500);
  });

  it("is lost when it stays away", async () => {
    const { said, statuses } = await open(await receiver(), {}, { timeoutMs: 700 });
    await edge.faults.stop();

    const lost = await said("lost");

    expect(lost.downMs).toBeGreaterThanOrEqual(690);
    expect(lost.error.exitCode).toBe(ExitCode.connectionLost);
    expect(lost.error.message).toContain("has been down for");
    expect(statuses.map(({ type }) => type)).toEqual(["up", "down", "lost"]);
  });

  it("is lost at once when the token has been revoked meanwhile", async () => {
    const { said } = await open(await receiver());
    edge.faults.refuseAuth("ERR_NGROK_107");
    edge.faults.cutSessions();

    const lost = await said("lost");

    expect(lost.error.exitCode).toBe(ExitCode.credentials);
    expect(lost.downMs).toBeLessThan(15_000);
  });

  it("can be closed while it is down, and stays closed", async () => {
    const [closed, other] = [await open(await receiver()), await open(await receiver())];
    edge.faults.hangUp();
    await Promise.all([closed.said("down"), other.said("down")]);

    await closed.tunnel.close();
    await edge.until(() => edge.hungUp() > 1);
    await edge.faults.restart();

    // An agent that was not stopped would be back when the other one is, which was cut in the same moment.
    await other.said("reconnected");
    expect(edge.auths).toHaveLength(3);
    expect(edge.bindings()).toHaveLength(1);
  });
});
