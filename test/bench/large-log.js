/** Logs of any size: some thousand real deliveries, multiplied by SQL with numbers and identities of their own. */
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { answering, bin, env, freePort, node, startListen, work } from "./processes.js";

const DAY_MS = 86_400_000;
const SUBJECTS = [
  ["crm", "Leads.create"],
  ["crm", "Deals.update"],
  ["desk", "Ticket.Create"],
  ["books", "invoice_created"],
];
let seed;

/** Receives and forwards the deliveries that all logs are made of. Returns the path of the log. */
async function makeSeed(count) {
  const appPort = await freePort();
  const app = node("counting-app.js", appPort);
  await answering(`http://127.0.0.1:${appPort}/count`, app);
  const listen = await startListen("--forward-to", String(appPort));
  const each = String(count / SUBJECTS.length);
  for (const [product, event] of SUBJECTS) {
    const to = listen.url.replace(/crm$/, product);
    const flags = ["--count", each, "--concurrency", "32", "--to", to, "--quiet"];
    execFileSync(process.execPath, [bin, "send", product, event, ...flags], {
      cwd: listen.folder,
      env,
      stdio: "ignore",
    });
  }
  await listen.stop();
  await app.stop();
  return join(listen.folder, ".zoho-hooks/events.db");
}

/** A project whose log has `size` deliveries over six days: 2 % refused, 1 % given up by their target. Returns its folder. */
export async function multipliedLog(size, seedCount = 2000) {
  const folder = join(work, `log-${size}`);
  const path = join(folder, ".zoho-hooks/events.db");
  if (existsSync(path)) return folder;
  seed ??= await makeSeed(seedCount);
  mkdirSync(join(folder, ".zoho-hooks"), { recursive: true });
  copyFileSync(seed, path);
  const database = new Database(path);
  database.pragma("synchronous = OFF");
  const { count } = database.prepare("SELECT count(*) AS count FROM deliveries").get();
  const times = Math.ceil(size / count);
  const shift = database.prepare("SELECT max(n) AS n FROM deliveries").get().n;
  const columns = (table, without) =>
    database
      .pragma(`table_info(${table})`)
      .map(({ name }) => name)
      .filter((name) => !without.includes(name))
      .join(", ");
  const [deliveries, contents, forwards, attempts] = [
    columns("deliveries", ["n", "identity"]),
    columns("contents", ["n"]),
    columns("forwards", ["id", "n"]),
    columns("attempts", ["id", "n"]),
  ];
  database.exec("BEGIN");
  for (let k = 1; k < times; k++) {
    const by = k * shift;
    database.exec(`
      INSERT INTO deliveries (n, identity, ${deliveries})
        SELECT n + ${by}, identity || ':${k}', ${deliveries} FROM deliveries WHERE n <= ${shift} AND n + ${by} <= ${size};
      INSERT INTO contents (n, ${contents})
        SELECT n + ${by}, ${contents} FROM contents WHERE n <= ${shift} AND n + ${by} <= ${size};
      INSERT INTO forwards (n, ${forwards})
        SELECT n + ${by}, ${forwards} FROM forwards WHERE n <= ${shift} AND n + ${by} <= ${size};
      INSERT INTO attempts (n, ${attempts})
        SELECT n + ${by}, ${attempts} FROM attempts WHERE n <= ${shift} AND n + ${by} <= ${size};`);
  }
  database.exec(`
    UPDATE deliveries SET received_at = ${Date.now() - 6 * DAY_MS} + n * ${6 * DAY_MS} / ${size};
    UPDATE deliveries SET accepted = 0, status = 401, refusal = 'wrong signature' WHERE n % 50 = 0;
    UPDATE forwards SET state = 3 WHERE n % 100 = 1;
    COMMIT;
    PRAGMA wal_checkpoint(TRUNCATE);`);
  database.close();
  return folder;
}
