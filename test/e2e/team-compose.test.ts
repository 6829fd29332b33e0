import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Queue } from "bullmq";
import { describe, expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { runBin, startBin } from "../support/bin.ts";
import { CRM } from "../support/forward-run.ts";
import { lacks } from "../support/needs.ts";
import { sharedAddress } from "../support/postgres.ts";
import { startRedis } from "../support/redis.ts";
import { freePort } from "../support/target.ts";
import { startTargetApp } from "../support/target-app.ts";

const ROOT = join(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");

interface Service {
  readonly image?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string | null>>;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly configs: { readonly proxy: { readonly content: string } };
}

const dockerfile = read("Dockerfile");
const { services, configs } = parse(read("compose.yaml"), { merge: true }) as Compose;
const members = Object.entries(services).filter(([, { image }]) => image === "zoho-hooks");

const VARIABLES = { ZOHO_WEBHOOK_SECRET: "s3cret", ZOHO_WEBHOOK_TOKEN: "t0ken", ZOHO_HOOKS_STORE_KEY: "of-this-test" };

/** Starts what a container runs. `names` are of other containers, and where those are in this run. */
async function startContainer(
  { command = [], environment = {} }: Service,
  names: readonly (readonly [string, string])[],
) {
  const port = await freePort();
  const inner = environment.HEALTH_PORT ?? "4460";
  const here = (text: string) =>
    [...names, ["0.0.0.0", "127.0.0.1"] as const].reduce((all, [name, own]) => all.replaceAll(name, own), text);
  const argv = command.map((word) => here(word.replace(new RegExp(`\\b${inner}$`), String(port))));
  const given = new Map(Object.entries(VARIABLES));
  const env = Object.entries(environment).map(([name, value]) => {
    const text = value ?? given.get(name) ?? "";
    return [name, here(text.replace(/\$\{(\w+):\?\}/g, (whole, variable: string) => given.get(variable) ?? whole))];
  });
  const child = startBin([...argv, "--json"], { env: Object.fromEntries(env) });
  await child.shown(/"type":"ready"/);
  return { child, url: `http://127.0.0.1:${port}` };
}

/** What the image's health check asks for. */
const healthPath = /127\.0\.0\.1:\$\{HEALTH_PORT:-4460\}(\/\w+)/.exec(dockerfile)?.[1] ?? "";
const healthOf = async (url: string): Promise<number> => (await fetch(url + healthPath)).status;

describe.skipIf(lacks("postgresql", "redis-server"))("compose.yaml", () => {
  it("starts receivers and workers that put what comes into the queue, and end when they are stopped", async () => {
    const redis = await startRedis(...(services.redis?.command ?? []).slice(1));
    const names = [
      [services["receiver-1"]?.environment?.ZOHO_HOOKS_STORE ?? "", await sharedAddress(`compose ${process.pid}`)],
      ["redis:6379", `127.0.0.1:${redis.port}`],
    ] as const;
    expect(members).toHaveLength(4);
    const started = await Promise.all(
      members.map(async ([name, each]) => ({ name, ...(await startContainer(each, names)) })),
    );
    for (const { url } of started) expect(await healthOf(url)).toBe(200);
    const receivers = started.filter(({ name }) => name.startsWith("receiver"));
    expect(configs.proxy.content).toContain(`reverse_proxy ${receivers.map(({ name }) => `${name}:4460`).join(" ")} {`);
    for (const { url } of receivers) {
      const sent = await runBin(["send", "crm", "Leads.create", "--to", url + CRM], { env: VARIABLES });
      expect(sent).toMatchObject({ status: 0 });
    }
    const queue = new Queue("zoho-webhooks", { connection: { host: "127.0.0.1", port: redis.port } });
    onTestFinished(() => queue.close());
    await expect.poll(() => queue.getWaitingCount()).toBe(receivers.length);
    for (const { child } of started) child.kill("SIGTERM");
    for (const { child } of started) expect((await child.ended).status).toBe(0);
  });
});

describe("compose.dev.yaml", () => {
  it("starts one receiver that forwards to the app of this machine", async () => {
    const app = await startTargetApp();
    onTestFinished(() => app.stop());
    const { hooks } = (parse(read("compose.dev.yaml")) as Pick<Compose, "services">).services;
    expect(hooks).toMatchObject({
      image: "zoho-hooks",
      extra_hosts: ["host.docker.internal:host-gateway"],
      ports: ["127.0.0.1:4460:4460"],
    });
    const { child, url } = await startContainer(hooks ?? {}, [["host.docker.internal:3000", `127.0.0.1:${app.port}`]]);
    expect(await healthOf(url)).toBe(200);
    expect(await runBin(["send", "crm", "Leads.create", "--to", url + CRM], { env: VARIABLES })).toMatchObject({
      status: 0,
    });
    expect(await app.came(1)).toMatchObject([{ path: CRM }]);
    child.kill("SIGTERM");
    expect((await child.ended).status).toBe(0);
  });
});

describe("Dockerfile", () => {
  it("starts a receiver that its health check finds, as a user who is not root", async () => {
    const command = JSON.parse(/^CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? "") as string[];
    const { child, url } = await startContainer({ command }, []);
    expect(await healthOf(url)).toBe(200);
    expect(/^USER (.*)$/m.exec(dockerfile)?.[1]).toBe("node");
    child.kill("SIGTERM");
    expect((await child.ended).status).toBe(0);
  });
});
