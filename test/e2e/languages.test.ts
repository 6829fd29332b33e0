import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { splitUrl } from "../../src/delivery/delivery.ts";
import { verify } from "../../src/library/index.ts";
import type { Product } from "../../src/model/product.ts";
import { products } from "../../src/products/index.ts";
import { runBin } from "../support/bin.ts";
import { blocksOf } from "../support/docs-page.ts";
import {
  AUDIENCE,
  forgedWith,
  KEY_SET,
  OLDER_KEY_SET,
  SECRET,
  TOKEN,
  type Vector,
  vectors,
} from "../support/languages/vectors.ts";
import { tempFolder } from "../support/run.ts";
import { freePort } from "../support/target.ts";
import { testKeys } from "../support/test-secrets.ts";

const ROOT = join(import.meta.dirname, "../..");
const HARNESS = join(ROOT, "test/support/languages");
const PYTHON = "/usr/bin/python3";
const JARS = ["core", "databind", "annotations"].map((name) => `/usr/share/java/jackson-${name}.jar`).join(":");

/** An app of docs/verify, or a small server around the functions of a page. */
interface App {
  /** Of docs/verify, without `.md`. */
  readonly page: string;
  /** Shell commands; `$PORT` is the port. */
  readonly build?: string;
  readonly start: string;
  /** Below test/support/languages: what surrounds the page's files. */
  readonly harness?: string;
  /** What reads a variable, blank or not, in place of the page's `setting`. */
  readonly variable?: string;
  /** False where the page has no RSA and JWT. */
  readonly hasKeys?: boolean;
  /** False for a server that the page does not have, and `check` does not try. */
  readonly isApp?: boolean;
}

const apps: Readonly<Record<string, App>> = {
  Express: {
    page: "javascript",
    start: "node app.mjs",
    variable: "((name) => process.env[name])",
  },
  Flask: {
    page: "python",
    start: `${PYTHON} -m flask --app flask_app run --port $PORT`,
    variable: "os.environ.get",
  },
  FastAPI: {
    page: "python",
    start: `${PYTHON} -m uvicorn fastapi_app:app --port $PORT`,
    variable: "os.environ.get",
  },
  Django: {
    page: "python",
    // Its own runserver lets ten connections wait, and `check` makes twenty.
    start: `env DJANGO_SETTINGS_MODULE=settings ${PYTHON} -m uvicorn --factory django.core.asgi:get_asgi_application --port $PORT`,
    harness: "django/settings.py",
    variable: "os.environ.get",
  },
  "PHP without a framework": {
    page: "php",
    start: "php -S localhost:$PORT index.php",
    variable: "getenv",
  },
  Laravel: {
    page: "php",
    build: "mkdir -p bootstrap/cache storage/framework",
    start: "php -S localhost:$PORT public/index.php",
    harness: "laravel",
    variable: "getenv",
  },
  "net/http": {
    page: "go",
    build: "go mod init app && go build -o app .",
    start: "./app",
    variable: "os.Getenv",
  },
  Rails: {
    page: "ruby",
    start: "env RAILS_ENV=production puma --quiet --bind tcp://localhost:$PORT",
    harness: "rails",
    variable: "ENV.fetch",
    hasKeys: false,
  },
  "Java's HttpServer": {
    page: "java",
    build: `javac -cp ${JARS} *.java`,
    start: `java -cp ${JARS}:. Server $PORT`,
    harness: "Server.java",
    isApp: false,
  },
  "Mono's HttpListener": {
    page: "csharp",
    build: "mcs -out:server.exe -r:System.Runtime.Serialization,System.Xml,System.Xml.Linq *.cs",
    start: "mono server.exe $PORT",
    harness: "Server.cs",
    isApp: false,
    hasKeys: false,
  },
};

const KEY_SCHEMES = ["salesiq-signature", "cliq-signature", "desk-token"];

let env: NodeJS.ProcessEnv;
let servedKeys = KEY_SET;
let keyFetches = 0;
const keySet = createServer((_, response) => {
  keyFetches++;
  response.end(servedKeys);
});
beforeAll(async () => {
  await once(keySet.listen(0, "127.0.0.1"), "listening");
  const publicKey = join(tempFolder(), "public.pem");
  writeFileSync(publicKey, testKeys.publicKey);
  env = {
    ...process.env,
    // Java and Ruby read variables in the encoding of the locale.
    LC_ALL: "C.UTF-8",
    ZOHO_WEBHOOK_SECRET: SECRET,
    ZOHO_WEBHOOK_TOKEN: TOKEN,
    ZOHO_WEBHOOK_PUBLIC_KEY: publicKey,
    DESK_JWKS: `http://127.0.0.1:${(keySet.address() as AddressInfo).port}/`,
    DESK_AUDIENCE: AUDIENCE,
  };
});
afterAll(() => void keySet.close());

/** Changes a file of a page before it is started. */
type Edit = (text: string) => string;

/** The page's files and the harness, in a folder of their own. */
function writeApp({ page, harness }: App, port: number, edit: Edit): string {
  const folder = tempFolder();
  for (const { words, text } of blocksOf(readFileSync(join(ROOT, "docs/verify", `${page}.md`), "utf8"))) {
    const [file] = words.flatMap((word) => (word.startsWith("file=") ? [word.slice("file=".length)] : []));
    if (file === undefined) continue;
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), edit(text.replaceAll("3000", String(port))));
  }
  if (harness !== undefined) {
    const name = harness.includes(".") ? (harness.split("/").at(-1) ?? "") : "";
    cpSync(join(HARNESS, harness), join(folder, name), { recursive: true });
  }
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return folder;
}

interface StartOptions {
  /** Variables that differ. */
  readonly variables?: NodeJS.ProcessEnv;
  readonly edit?: Edit;
}

/** Starts the app, which ends with the test. Rejects where it ends before it answers. */
async function start(app: App, { variables, edit = (text) => text }: StartOptions = {}) {
  const port = await freePort();
  const cwd = writeApp(app, port, edit);
  const options = { cwd, env: { ...env, ...variables, PORT: String(port) } };
  if (app.build !== undefined) {
    const { status, stdout, stderr } = spawnSync("sh", ["-ec", app.build], { ...options, encoding: "utf8" });
    if (status !== 0) throw new Error(`${app.build} failed:\n${stdout}${stderr}`);
  }
  const child = spawn("sh", ["-c", `exec ${app.start}`], {
    ...options,
    stdio: "pipe",
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-4000);
    });
  const ended = once(child, "exit");
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  onTestFinished(stop);
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`${app.start} ended:\n${output}`);
  }
  return { port, stop };
}

/** Whether a connection is accepted; takes a moment where it is not. */
async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "localhost");
  const isOpen = await new Promise<boolean>((resolve) => {
    socket.once("connect", () => resolve(true));
    socket.once("error", () => setTimeout(() => resolve(false), 50));
  });
  socket.destroy();
  return isOpen;
}

/** Posts the vector's bytes; fetch would write the query anew. */
async function statusOf({ product, delivery }: Vector, port: number): Promise<number | string | undefined> {
  const { query } = splitUrl(delivery.url);
  const path = `/webhooks/zoho/${product}${query === "" ? "" : `?${query}`}`;
  const headers = { "content-length": String(delivery.body.length), ...Object.fromEntries(delivery.headers) };
  return new Promise((resolve) => {
    const sent = request({ host: "localhost", port, path, method: "POST", headers }, (response) => {
      response.resume().once("end", () => resolve(response.statusCode));
    });
    sent.once("error", ({ message }) => resolve(message));
    sent.end(delivery.body);
  });
}

/** The others take minutes, and their runtimes: `.ci/languages` installs them and sets `LANGUAGES=all`. */
const isLeftOut = (name: string): boolean => process.env.LANGUAGES !== "all" && name !== "Express";

/** Names of the vectors that are answered 200. */
async function accepted(sent: readonly Vector[], port: number): Promise<readonly string[]> {
  const names: string[] = [];
  for (const vector of sent) if ((await statusOf(vector, port)) === 200) names.push(vector.name);
  return names;
}

/** Secrets that a variable without a value, or with a copied invisible one, holds. */
const BLANKS = { empty: "", invisible: " \t\u200b\u200c\u200d\u2060\ufeff" };

describe("the verifiers of docs/verify", { timeout: 300_000 }, () => {
  it.for(Object.entries(apps))("under %s", async ([name, { hasKeys = true, isApp = true, ...app }], { skip }) => {
    skip(isLeftOut(name), "LANGUAGES=all runs it");
    const fetchesBefore = keyFetches;
    const startedAt = performance.now();
    const { port } = await start(app);
    const wrong: string[] = [];
    for (const vector of vectors().filter(({ scheme }) => hasKeys || !KEY_SCHEMES.includes(scheme))) {
      const status = await statusOf(vector, port);
      const kind = vector.isGenuine ? "genuine" : "forged";
      const isRight = status === (vector.isGenuine ? 200 : 401) || (vector.isHostile === true && status === 400);
      if (!isRight) wrong.push(`${status} for ${vector.name} (${kind})`);
    }
    expect(wrong).toEqual([]);
    // Anybody can make up the name of a key.
    const minutes = (performance.now() - startedAt) / 60_000;
    if (hasKeys) expect(keyFetches - fetchesBefore).toBeLessThanOrEqual(1 + minutes);
    if (!isApp) return;
    for (const rest of ["books?org=60017843&event=a%20b", "payments --only security"]) {
      const [target, ...options] = rest.split(" ");
      const url = `http://localhost:${port}/webhooks/zoho/${target}`;
      const { status, stdout, stderr } = await runBin(["check", url, ...options], { env });
      expect(status, stdout + stderr).toBe(0);
    }
  });
});

describe("with an empty secret", { timeout: 300_000 }, () => {
  const cases = Object.entries(apps).flatMap(([name, app]) =>
    Object.entries(BLANKS).map(([kind, blank]) => [name, kind, app, blank] as const),
  );

  it.for(cases.filter(([, , { isApp = true }]) => isApp))("%s accepts nothing: %s", async (each, { skip }) => {
    const [name, , app, blank] = each;
    skip(isLeftOut(name), "LANGUAGES=all runs it");
    const variables = { ZOHO_WEBHOOK_SECRET: blank, ZOHO_WEBHOOK_TOKEN: blank };
    const started = await start(app, { variables }).catch(() => undefined);
    if (started !== undefined) expect(await accepted(forgedWith(blank), started.port)).toEqual([]);
  });

  it.for(cases)("the functions under %s accept nothing: %s", async ([name, , app, blank], { skip }) => {
    skip(isLeftOut(name), "LANGUAGES=all runs it");
    // So that the app starts.
    const edit: Edit = (text) => text.replace(/\bsetting\((?=["'])/g, `${app.variable}(`);
    const genuine = vectors().filter(({ isGenuine }) => isGenuine);
    const withToken = genuine.find(({ scheme }) => scheme === "token");
    const withSecret = genuine.find(({ scheme }) => scheme !== "token");
    for (const [variable, other] of [
      ["ZOHO_WEBHOOK_SECRET", withToken],
      ["ZOHO_WEBHOOK_TOKEN", withSecret],
    ] as const) {
      const { port, stop } = await start(app, { variables: { [variable]: blank }, edit });
      expect(await accepted(forgedWith(blank), port), variable).toEqual([]);
      expect(await accepted(other === undefined ? [] : [other], port), "what needs another secret").toHaveLength(1);
      await stop();
    }
  });
});

describe("a new key of Desk", { timeout: 300_000 }, () => {
  const cases = Object.entries(apps).filter(([, { hasKeys = true, isApp = true }]) => hasKeys && isApp);

  it.for(cases)("is fetched under %s", async ([name, app], { skip }) => {
    skip(isLeftOut(name), "LANGUAGES=all runs it");
    onTestFinished(() => {
      servedKeys = KEY_SET;
    });
    servedKeys = OLDER_KEY_SET;
    // The minute between two fetches is over at once.
    const edit: Edit = (text) => text.replace(/\b60_000\b|\b60\b|\btime\.Minute\b/g, "0");
    const { port } = await start(app, { edit });
    const withNewKey = vectors().find(({ scheme, isGenuine }) => scheme === "desk-token" && isGenuine);
    if (withNewKey === undefined) throw new Error("no token of Desk");
    expect(await statusOf(withNewKey, port)).toBe(401);
    servedKeys = KEY_SET;
    expect(await statusOf(withNewKey, port)).toBe(200);
  });
});

describe("the vectors", () => {
  it("have every signature and token of the products", () => {
    const proofs = (products as readonly Product[]).flatMap(({ formats }) =>
      formats.flatMap((format) => format.proofs),
    );
    expect(new Set(vectors().map(({ scheme }) => scheme))).toEqual(new Set(proofs.map(({ id }) => id)));
  });

  it("are what the library says", () => {
    const text = { secret: SECRET, hookSecret: SECRET, publicKey: testKeys.publicKey };
    const wrong = vectors().filter(({ scheme, sender, format, delivery, isGenuine }) => {
      const keys =
        scheme === "token" ? { token: TOKEN } : scheme === "desk-token" ? { jwks: KEY_SET, audience: AUDIENCE } : text;
      const request = { ...delivery, headers: [...delivery.headers] };
      return verify(sender, request, keys, { format: format as "wire" }).genuine !== isGenuine;
    });
    expect(wrong.map(({ name, isGenuine }) => `${name} (${isGenuine ? "genuine" : "forged"})`)).toEqual([]);
  });
});
