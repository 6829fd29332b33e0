import { createHmac } from "node:crypto";
import { type Listener, startListener } from "./listener.ts";
import { type RunOptions, type RunResult, run, tempFolder } from "./run.ts";
import { type Answer, startTarget, type Target } from "./target.ts";

export const SECRET = "s3cr3t-of-the-tests";
export const TOKEN = "t0ken-of-the-tests";

/** A project in which `listen` runs and forwards to an app, so that its log fills with what is really posted. */
export interface LoggedProject {
  readonly cwd: string;
  readonly app: Target;
  readonly listener: Listener;
  /** A command line in the project. */
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Posts a signed body, and waits until its event is told and, when it is accepted, forwarded or given up. */
  deliver(path: string, body: string | Buffer, headers?: Record<string, string>): Promise<void>;
  stop(): Promise<void>;
}

export const SECRETS = { ZOHO_WEBHOOK_SECRET: SECRET, ZOHO_WEBHOOK_TOKEN: TOKEN };

export interface ProjectOptions {
  readonly answer?: Answer;
  readonly argv?: readonly string[];
  /** False to forward nothing. */
  readonly forward?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

export async function startLoggedProject(options: ProjectOptions = {}): Promise<LoggedProject> {
  const { answer, argv = [], forward = true } = options;
  const env = { ZOHO_HOOKS_RETRY_BASE: "1ms", ...(options.env ?? SECRETS) };
  const cwd = tempFolder();
  const app = await startTarget(answer);
  const target = forward ? ["--forward-to", String(app.port), "--retries", "1"] : [];
  const listener = await startListener([...target, ...argv], { cwd, env });
  let count = 0;
  return {
    cwd,
    app,
    listener,
    run: (words, more = {}) => run(words, { cwd, env, ...more }),
    async deliver(path, body, headers = { "content-type": "application/json", ...signature(body) }) {
      const { status } = await listener.post(path, body, headers);
      const n = ++count;
      await listener.event(n);
      if (!forward || status !== 200) return;
      await Promise.race([
        listener.line("forward", { n, state: "delivered" }),
        listener.line("forward", { n, state: "failed" }),
      ]);
    },
    async stop() {
      await listener.stop();
      await app.close();
    },
  };
}

export function signature(body: string | Buffer, secret = SECRET): Record<string, string> {
  return { "x-zoho-signature": createHmac("sha256", secret).update(body).digest("hex") };
}

/** A lead whose id is written as a number of 19 digits. */
export function leadBody(parts: { readonly email?: string; readonly token?: string } = {}): string {
  const { email = "mei.tanaka@example.com", token = TOKEN } = parts;
  return `{"module":"Leads","operation":"create","resource_uri":"https://www.zohoapis.com/crm/v8/Leads/4150868000000002179","ids":["4150868000000002179"],"token":"${token}","channel":{"id":"10000000068001","expiry_time":"2027-01-01T00:00:00+00:00"},"data":{"id":"4150868000000002179","Last_Name":"Tanaka","Company":"Northwind","Email":"${email}","Account_Number":4150868000000002181,"Amount":1250.00}}`;
}

export function ticketBody(subject = "Printer on fire"): string {
  return `{"event":"Ticket.Create","orgId":"60017843","ticketId":"189200001100631040","ticket":{"ticketNumber":"101","subject":"${subject}","departmentId":"189200007253014776","contactId":"189200005791497873","email":"a@example.com","status":"Open","priority":"High","createdTime":"2026-01-15T10:30:00Z"}}`;
}
