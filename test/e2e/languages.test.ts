import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { Product } from "../../src/contract/product.ts";
import { splitUrl } from "../../src/delivery/delivery.ts";
import { verify } from "../../src/library/index.ts";
import { products } from "../../src/products/index.ts";
import { runBin } from "../support/bin.ts";
import { blocksOf } from "../support/docs-page.ts";
import { AUDIENCE, KEY_SET, SECRET, TOKEN, type Vector, vectors } from "../support/languages/vectors.ts";
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
  /** False where the page has no RSA and JWT. */
  readonly hasKeys?: boolean;
  /** False for a server that the page does not have, and `check` does not try. */
  readonly isApp?: boolean;
}

const apps: Readonly<Record<string, App>> = {
  Express: { page: "javascript", start: "node app.mjs" },
  Flask: {
    page: "python",
    start: `${PYTHON} -m flask --app flask_app run --port $PORT`,
  },
  FastAPI: {
    page: "python",
    start: `${PYTHON} -m uvicorn fastapi_app:app --port $PORT`,
  },
  Django: {
    page: "python",
    // Its own runserver lets ten connections wait, and `check` makes twenty.
    start: `env DJANGO_SETTINGS_MODULE=settings ${PYTHON} -m uvicorn --factory django.core.asgi:get_asgi_application --port $PORT`,
    harness: "django/settings.py",
  },
  "PHP without a framework": { page: "php", start: "php -S localhost:$PORT index.php" },
  Laravel: {
    page: "php",
    build: "mkdir -p bootstrap/cache storage/framework",
    start: "php -S localhost:$PORT public/index.php",
    harness: "laravel",
  },
  "net/http": { page: "go", build: "go mod init app && go build -o app .", start: "./app" },
  Rails: {
    page: "ruby",
    start: "env RAILS_ENV=production puma --quiet --bind tcp://localhost:$PORT",
    harness: "rails",
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
const keySet = createServer((_, response) => response.end(KEY_SET));
beforeAll(async () => {
  await once(keySet.listen(0, "127.0.0.1"), "listening");
  const publicKey = join(tempFolder(), "public.pem");
  writeFileSync(publicKey, testKeys.publicKey);
  env = {
    ...process.env,
    ZOHO_WEBHOOK_SECRET: SECRET,
    ZOHO_WEBHOOK_TOKEN: TOKEN,
    ZOHO_WEBHOOK_PUBLIC_KEY: publicKey,
    DESK_JWKS: `http://127.0.0.1:${(keySet.address() as AddressInfo).port}/`,
    DESK_AUDIENCE: AUDIENCE,
  };
});
afterAll(() => void keySet.close());

/** The page's files and the harness, in a folder of their own. */
function writeApp({ page, harness }: App, port: number): string {
  const folder = tempFolder();
  for (const { words, text } of blocksOf(readFileSync(join(ROOT, "docs/verify", `${page}.md`), "utf8"))) {
    const [file] = words.flatMap((word) => (word.startsWith("file=") ? [word.slice("file=".length)] : []));
    if (file === undefined) continue;
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text.replaceAll("3000", String(port)));
  }
  if (harness !== undefined) {
    const name = harness.includes(".") ? (harness.split("/").at(-1) ?? "") : "";
    cpSync(join(HARNESS, harness), join(folder, name), { recursive: true });
  }
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return folder;
}

/** Resolves with the port on which the app answers; it is ended with the test. */
async function start(app: App): Promise<number> {
  const port = await freePort();
  const cwd = writeApp(app, port);
  const options = { cwd, env: { ...env, PORT: String(port) } };
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
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`${app.start} ended:\n${output}`);
  }
  return port;
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

describe("the verifiers of docs/verify", { timeout: 300_000 }, () => {
  it.for(Object.entries(apps))("under %s", async ([name, { hasKeys = true, isApp = true, ...app }], { skip }) => {
    skip(isLeftOut(name), "LANGUAGES=all runs it");
    const port = await start(app);
    const wrong: string[] = [];
    for (const vector of vectors().filter(({ scheme }) => hasKeys || !KEY_SCHEMES.includes(scheme))) {
      const status = await statusOf(vector, port);
      const kind = vector.isGenuine ? "genuine" : "forged";
      if (status !== (vector.isGenuine ? 200 : 401)) wrong.push(`${status} for ${vector.name} (${kind})`);
    }
    expect(wrong).toEqual([]);
    if (!isApp) return;
    for (const rest of ["books?org=60017843&event=a%20b", "payments --only security"]) {
      const [target, ...options] = rest.split(" ");
      const url = `http://localhost:${port}/webhooks/zoho/${target}`;
      const { status, stdout, stderr } = await runBin(["check", url, ...options], { env });
      expect(status, stdout + stderr).toBe(0);
    }
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
