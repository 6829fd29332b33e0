import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Log } from "../../src/log/log.ts";
import { type OpenPostgresOptions, openPostgresLog } from "../../src/log/postgres/log.ts";
import { newEntry } from "../support/log-entry.ts";
import { lacks, pgbouncerPath } from "../support/needs.ts";
import { createServer, runSql, type Server, serverFolder, sharedAddress } from "../support/postgres.ts";
import { collect } from "../support/temp-log.ts";

const APP = "http://localhost:3000/";
const waiting = () => newEntry({ forward: { targets: [APP] } });
const request = { target: APP, limit: 10, now: new Date(), maxPauseMs: 1 };

/** A server of the test's own, which writes to the disk. */
async function started(settings: Readonly<Record<string, string>> = {}): Promise<Server & { readonly folder: string }> {
  const folder = serverFolder();
  const server = await createServer(folder, settings);
  await server.start();
  onTestFinished(() => server.stop("SIGQUIT"));
  return { ...server, folder };
}

async function opened(address: string, options: Partial<OpenPostgresOptions> = {}): Promise<Log> {
  const log = await openPostgresLog({ now: () => new Date(), ...options, address });
  onTestFinished(() => log.close().catch(() => {}));
  return log;
}

describe.skipIf(lacks("postgresql"))("a log in PostgreSQL", () => {
  it("fails while the server is stopped, and goes on by itself", async () => {
    const server = await started();
    const address = server.address("s");
    const log = await opened(address, { leaseMs: 1000 });
    const told: string[] = [];
    const away: unknown[] = [];
    log.queue.onWork(
      (target) => told.push(target),
      (error) => away.push(error),
    );
    const owner = await log.lock({ pid: 1, url: "http://127.0.0.1:1", since: new Date() });
    const duty = await log.takeDuty("prune");
    await log.append(waiting());
    const { claims } = await log.queue.claim({ ...request, now: new Date() });
    await server.stop();
    await expect(log.append(waiting())).rejects.toMatchObject({ code: "log-unreachable" });
    await expect(log.ends()).rejects.toMatchObject({ code: "log-unreachable" });
    await expect(log.queue.claim(request)).rejects.toMatchObject({ code: "log-unreachable" });
    await expect(opened(address)).rejects.toMatchObject({ code: "log-unreachable" });
    expect(duty?.signal.aborted).toBe(true);
    await expect.poll(() => away, { timeout: 10_000 }).toMatchObject([{ code: "log-unreachable" }]);
    await server.start();
    expect((await log.append(waiting())).n).toBe(2);
    const [claim] = claims;
    const attempt = { target: APP, at: new Date(), status: 200, latencyMs: 1, error: undefined };
    expect(claim && (await log.queue.complete(claim, attempt, { state: "delivered" }))).toBe("done");
    // It listens again, and not only asks once a second.
    await expect
      .poll(() => runSql(address, "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"))
      .toHaveLength(1);
    const other = await opened(address);
    told.length = 0;
    await other.append(waiting());
    await expect.poll(() => told, { interval: 5 }).toContain(APP);
    if (owner.held) await owner.release();
    expect((await collect(log.rows())).map(({ n }) => n)).toEqual([3, 2, 1]);
  });

  it("loses nothing that it has confirmed when its server crashes", async () => {
    const server = await started();
    const log = await opened(server.address("s"));
    const confirmed: number[] = [];
    let down = false;
    const writers = Array.from({ length: 20 }, async () => {
      while (!down) {
        try {
          confirmed.push((await log.append(waiting())).n);
        } catch {
          down = true;
        }
      }
    });
    await expect.poll(() => confirmed.length).toBeGreaterThan(500);
    await server.stop("SIGQUIT");
    await Promise.all(writers);
    await server.start();
    const kept = new Set((await collect(log.rows())).map(({ n }) => n));
    expect(confirmed.filter((n) => !kept.has(n))).toEqual([]);
    expect((await log.queue.waiting())[0]?.waiting).toBe(kept.size);
  });

  it("goes on when its connections are ended one by one", async () => {
    const address = (await started()).address("s");
    const log = await opened(address);
    let failed = 0;
    const confirmed: number[] = [];
    const ender = (async () => {
      for (let i = 0; i < 10; i++)
        await runSql(
          address,
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE pid <> pg_backend_pid() AND query LIKE '%append(%' AND application_name = 'zoho-hooks'`,
        );
    })();
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        for (let i = 0; i < 50; i++) {
          try {
            confirmed.push((await log.append(newEntry())).n);
          } catch (error) {
            expect(error).toMatchObject({ code: "log-unreachable" });
            failed++;
          }
        }
      }),
    );
    await ender;
    expect(confirmed.length + failed).toBe(1000);
    const kept = new Set((await collect(log.rows())).map(({ n }) => n));
    expect(confirmed.filter((n) => !kept.has(n))).toEqual([]);
  });

  it("rejects appends within three seconds while something holds them up, and does no harm with those that come late", {
    timeout: 30_000,
  }, async () => {
    const address = await sharedAddress(`faults held ${process.pid}`);
    const log = await opened(address, { leaseMs: 1000 });
    await log.append(newEntry());
    const schema = /schema=(\w+)/.exec(address)?.[1];
    const other = new pg.Client(address);
    await other.connect();
    await other.query("SELECT pg_advisory_lock(hashtext($1), 1)", [schema]);
    const took: number[] = [];
    const append = async (): Promise<void> => {
      const startedAt = performance.now();
      const entry = newEntry({ identity: "repeated", forward: { targets: [APP], claim: [APP] } });
      await expect(log.append(entry)).rejects.toMatchObject({ code: "log-locked" });
      took.push(performance.now() - startedAt);
    };
    const appends = [append()];
    for (let i = 0; i < 6; i++) {
      await delay(250);
      appends.push(append());
    }
    await Promise.all(appends);
    expect(Math.max(...took)).toBeLessThan(3000);
    const readyAt = performance.now();
    await expect(log.checkReady()).rejects.toMatchObject({ code: "log-locked" });
    expect(performance.now() - readyAt).toBeLessThan(2000);
    await other.end();
    // The server still commits what it was waiting to commit.
    const { duplicateOf } = await log.append(newEntry({ identity: "repeated" }));
    const late = await collect(log.rows({}, { order: "oldest" }));
    expect(late.length).toBeGreaterThan(2);
    expect(duplicateOf).toBe(late[1]?.n);
    await log.checkReady();
    // Nobody has it in hand: it is due when its lease ends, and not renewed.
    await expect
      .poll(async () => (await log.queue.claim({ ...request, now: new Date() })).claims.map(({ n }) => n), {
        timeout: 8000,
      })
      .toContain(late[1]?.n);
  });

  it("looks at synchronous_commit with every new connection", async () => {
    const server = await started();
    const address = server.address("s");
    const log = await opened(address);
    await log.append(newEntry());
    await runSql(address, "ALTER ROLE postgres SET synchronous_commit = off");
    await log.append(newEntry());
    await runSql(
      address,
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND application_name = 'zoho-hooks'",
    );
    const refused = { code: "log-unsuitable", message: expect.stringContaining("synchronous_commit is off") };
    await expect.poll(() => log.append(newEntry()).catch((error: unknown) => error)).toMatchObject(refused);
    await expect(log.checkReady()).rejects.toMatchObject(refused);
    await runSql(address, "ALTER ROLE postgres RESET synchronous_commit");
    await log.checkReady();
    expect((await log.append(newEntry())).n).toBeGreaterThan(2);
  });

  it("is refused where a committed transaction may be lost", async () => {
    const address = await sharedAddress(`faults off ${process.pid}`);
    const off = `${address}&options=${encodeURIComponent("-c synchronous_commit=off")}`;
    await expect(opened(off)).rejects.toMatchObject({
      code: "log-unsuitable",
      message: expect.stringContaining("synchronous_commit is off"),
    });
  });

  it("is refused where the database has another encoding than UTF-8", async () => {
    const address = await sharedAddress(`faults latin ${process.pid}`);
    const name = `latin_${process.pid}`;
    await runSql(address, `CREATE DATABASE ${name} ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'`);
    await expect(opened(address.replace("/postgres?", `/${name}?`))).rejects.toThrow("encoding LATIN1");
  });

  it.skipIf(lacks("pgbouncer")).each(["transaction", "session"])(
    "behind pgbouncer in %s mode is refused, or works",
    async (mode) => {
      const server = await started();
      const { folder } = server;
      const file = join(folder, "pgbouncer.ini");
      const port = 6432;
      writeFileSync(
        file,
        `[databases]\npostgres = host=${folder} user=postgres\n[pgbouncer]\nlisten_addr =\nunix_socket_dir = ${folder}
listen_port = ${port}\nauth_type = any\npool_mode = ${mode}\ndefault_pool_size = 20\n`,
      );
      chmodSync(file, 0o644);
      const isRoot = process.getuid?.() === 0;
      const child = spawn(pgbouncerPath, [...(isRoot ? ["--user", "postgres"] : []), file], {
        stdio: ["ignore", "ignore", "pipe"],
      });
      onTestFinished(async () => {
        child.kill("SIGINT");
        await once(child, "exit");
      });
      await expect.poll(() => existsSync(join(folder, `.s.PGSQL.${port}`))).toBe(true);
      const address = `${server.address("s")}&port=${port}`;
      if (mode === "session") {
        const log = await opened(address);
        expect((await log.append(waiting())).n).toBe(1);
        expect((await log.queue.claim({ ...request, now: new Date() })).claims).toHaveLength(1);
      } else await expect(opened(address)).rejects.toThrow("transaction pooling");
    },
  );

  it("is not created in a schema with a name that SQL reads otherwise", async () => {
    const address = (await sharedAddress("x")).replace(/schema=\w+/, "schema=a%22b");
    await expect(opened(address)).rejects.toThrow("another kind of name");
  });
});
