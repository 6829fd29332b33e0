import { z } from "zod";
import { targetUrl } from "../delivery/target.ts";
import type { FilterOptions } from "../history/filter.ts";
import type { Report } from "../reports/text.ts";
import { ExitCode } from "../util/errors.ts";
import type { JsonLine } from "../util/text.ts";
import type { ReportingWorkspace, Workspace } from "../workspace/workspace.ts";
import { withBodyOnce, withEventNames, withoutBody, withoutType } from "./brief.ts";
import { reportAll } from "./present.ts";

/** What a front door asks for: a command's own function, with its input as one object. It reports to the workspace. */
export interface Operation<Input = unknown> {
  /** Name of the tool in MCP; undefined for what is not one. */
  readonly tool?: string;
  /** For an agent, which chooses its tools by it. */
  readonly summary: string;
  /** It changes something, if only by sending. */
  readonly acts?: boolean;
  /** Made when it is read: start-up pays nothing for it. */
  input(): z.ZodObject;
  /** `input`: as the schema has read it. */
  run(workspace: ReportingWorkspace<Report>, input: Input): Promise<ExitCode>;
  /** A line of the result without what an agent does not need: it pays for each character. */
  brief?(line: JsonLine, input: Input): JsonLine;
  /** Words of the command that prints what was cut from a long result. */
  rest?(input: Input): string;
}

/** Text that can name a file, or stand in a URL or header, none of which has a NUL. */
export function text() {
  return z.string().refine((value) => !value.includes("\0"), "a NUL character (U+0000) is not allowed");
}

const product = () => text().describe("such as crm, desk, books");
const number = () => z.int().positive().describe("the event's number");
const numberOrLast = () =>
  z
    .union([z.int().positive(), z.literal("last")], "expected the number of an event, or last")
    .describe("the event's number, or last");
const target = () => text().describe("port or URL of the app, such as 3000 or http://localhost:3000/webhooks/zoho/crm");

const period = () => ({
  product: product().optional(),
  since: text().optional().describe("yesterday, 2h, a date, or a time"),
  until: text().optional().describe("only what came before such a time"),
});

const filters = () => ({
  ...period(),
  event: text().optional().describe("pattern such as crm:Leads.*"),
  only: z
    .array(text())
    .optional()
    .describe("any of failed (the app did not accept it), rejected (by listen), invalid, duplicate, 4xx, 401"),
  where: z.array(text()).optional().describe("values of the body, as path=value: data.Email=jane@example.com"),
});

/** By their name in the page's API: `POST /api/explain`. */
export const operations = {
  products: operation({
    tool: "list_products",
    summary:
      "List Zoho's products with the names of their events; or one product's events, formats and signatures in full.",
    input: () => z.strictObject({ product: product().optional() }),
    async run(workspace, { product: id }) {
      const { listProducts, showProduct } = await import("../own-products/show-products.ts");
      workspace.report(id === undefined ? await listProducts(workspace) : await showProduct(workspace, id));
      return ExitCode.ok;
    },
    brief: (line, input) => (input.product === undefined ? withEventNames(line) : line),
  }),
  sample: operation({
    tool: "get_sample",
    summary: "Get a sample payload of an event as Zoho posts it, for a test or a type.",
    input: () => z.strictObject({ product: product(), event: text(), format: text().optional() }),
    async run(workspace, { product: id, event, format }) {
      const { showSample } = await import("../send/show-sample.ts");
      workspace.report(await showSample(workspace, id, event, { format }));
      return ExitCode.ok;
    },
  }),
  verify: operation({
    tool: "verify",
    summary:
      "Check whether a payload is genuine and valid, and explain exactly why a signature does not match. Give the exact body as it was received, and its headers. For a delivery that listen has received: explain_event.",
    input: () =>
      z.strictObject({
        body: z.string(),
        headers: z.record(text(), text()).optional(),
        product: product().optional(),
        url: text().optional().describe("URL that it was sent to: finance products sign its query"),
      }),
    async run(workspace, { body, headers = {}, product: id, url }) {
      const { verify } = await import("../verify/verify.ts");
      const header = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
      async function* chunks() {
        yield Buffer.from(body);
      }
      const options = { product: id, url, header, explain: true };
      return reportAll(workspace, verify(workspace, [{ name: "-", chunks }], options));
    },
    brief: withoutBody,
  }),
  list: operation({
    tool: "list_events",
    summary:
      "List the deliveries that listen has received, the newest first, with event, verdict, status and refusal. get_event has headers and body, explain_event the cause of a wrong signature or token.",
    input: () =>
      z.strictObject({
        ...filters(),
        search: text().optional().describe("text in the body or URL"),
        limit: z.int().min(1).max(200).default(20),
      }),
    async run(workspace, { limit, ...filter }) {
      const { listRows } = await import("../history/rows.ts");
      workspace.report(await listRows(workspace, { ...filterOf(filter), limit }));
      return ExitCode.ok;
    },
    brief: withoutType,
  }),
  events: operation({
    summary:
      "List the deliveries that listen has received, the newest first, with headers and bodies. With wait: once one is there that listen has accepted and the app has answered.",
    input: () =>
      z.strictObject({
        ...filters(),
        search: text().optional().describe("text in the body or URL"),
        limit: z.int().min(1).max(200).default(20),
        after: z
          .int()
          .min(0)
          .optional()
          .describe("only deliveries with higher numbers: those that came after this one"),
        wait: text().optional().describe("how long to wait for one to come, such as 30s; at most 10m"),
      }),
    async run(workspace, { limit, wait, ...filter }) {
      const { listWhenThere } = await import("../history/wait.ts");
      return reportAll(workspace, listWhenThere(workspace, { ...filterOf(filter), limit, wait }));
    },
  }),
  clear: operation({
    summary:
      "Remove the deliveries that this run of listen has received, but those that still wait for the app; no answer has them any more. What was saved before stays.",
    acts: true,
    input: () => z.strictObject({}),
    async run(workspace) {
      const { removeRunDeliveries } = await import("../history/prune.ts");
      workspace.report(await removeRunDeliveries(workspace));
      return ExitCode.ok;
    },
  }),
  show: operation({
    tool: "get_event",
    summary:
      "Get one delivery: headers, body, verdicts, schema issues, and each attempt to forward it. Secrets are masked, and a long body is cut.",
    input: () =>
      z.strictObject({
        n: numberOrLast(),
        curl: z.boolean().optional().describe("as the curl command that posts it to the local receiver"),
      }),
    async run(workspace, { n, curl }) {
      const { show, showAsCurl } = await import("../history/list.ts");
      const reports = curl ? await showAsCurl(workspace, n) : [await show(workspace, n)];
      for (const report of reports) workspace.report(report);
      return ExitCode.ok;
    },
    brief: withBodyOnce,
    rest: ({ n }) => `events show ${n}`,
  }),
  explain: operation({
    tool: "explain_event",
    summary:
      "Verify a delivery that listen has received again, with the signature that came with it, and find out why a signature or token is wrong.",
    input: () => z.strictObject({ n: numberOrLast() }),
    async run(workspace, { n }) {
      const { loggedInput } = await import("../verify/logged.ts");
      const { verify } = await import("../verify/verify.ts");
      const input = await loggedInput(workspace, n);
      return reportAll(workspace, verify(workspace, input, { explain: true }));
    },
    brief: withoutBody,
  }),
  diff: operation({
    tool: "diff_events",
    summary: "Show how the payloads of two received deliveries differ.",
    input: () => z.strictObject({ before: number(), after: number() }),
    async run(workspace, { before, after }) {
      const { diff } = await import("../history/diff.ts");
      workspace.report(await diff(workspace, before, after));
      return ExitCode.ok;
    },
    brief: withoutType,
  }),
  stats: operation({
    tool: "get_stats",
    summary: "Count received deliveries by product and hour, and show how long the app takes to answer.",
    input: () => z.strictObject(period()),
    async run(workspace, filter) {
      const { stats } = await import("../history/list.ts");
      workspace.report(await stats(workspace, filter));
      return ExitCode.ok;
    },
  }),
  channels: operation({
    tool: "list_channels",
    summary:
      "List the notification channels of the signed-in user in CRM, Bigin or Recruit: events, URL and expiry, and those created here that are gone. Asks Zoho.",
    input: () => z.strictObject({ product: z.enum(["crm", "bigin", "recruit"]).default("crm") }),
    async run(workspace, options) {
      const { list } = await import("../channels/list.ts");
      return list(workspace, options);
    },
  }),
  check: operation({
    tool: "check_endpoint",
    summary:
      "Try what an endpoint must do: signatures, malformed requests, time limits, duplicates. Sends sample events to it.",
    acts: true,
    input: () => z.strictObject({ url: target(), product: product().optional(), only: z.array(text()).optional() }),
    async run(workspace, { url, ...options }) {
      const { check } = await import("../checks/check.ts");
      requireTarget(workspace, url);
      return check(workspace, url, { ...options, yes: true });
    },
  }),
  send: operation({
    tool: "send",
    summary: "Send a fresh, validly signed sample event to the app or the running listen, and return the answer.",
    acts: true,
    input: () =>
      z.strictObject({
        product: product(),
        event: text().describe("such as Leads.create"),
        to: target().optional().describe("default: the running listen"),
        format: text().optional(),
        set: z.record(text(), text()).optional().describe("members to change: path and value"),
        bad_signature: z.boolean().optional(),
        bad_token: z.boolean().optional(),
        dry_run: z.boolean().optional().describe("return the request, send nothing"),
      }),
    async run(workspace, input) {
      const { send } = await import("../send/send.ts");
      const { product: id, event, to, format, set = {}, ...faults } = input;
      if (to !== undefined) requireTarget(workspace, to);
      return send(workspace, id, event, {
        to,
        format,
        set: Object.entries(set).map(([path, value]) => `${path}=${value}`),
        badSignature: faults.bad_signature,
        badToken: faults.bad_token,
        dryRun: faults.dry_run,
        // The request has the configured token and a signature in it.
        maskSecrets: !workspace.showSecrets,
        signature: true,
        timeout: "30s",
        count: "1",
        concurrency: "1",
      });
    },
  }),
  replay: operation({
    tool: "replay",
    summary:
      "Send received deliveries to the app again, with the same bytes: one by its number, or those that filters select.",
    acts: true,
    input: () =>
      z.strictObject({
        n: number().optional(),
        to: target().optional().describe("port or URL of the app, such as 3000; default: where it was forwarded to"),
        body: z.string().optional().describe("with n: another body to send, which is signed again"),
        dry_run: z.boolean().optional().describe("return the requests, send nothing"),
        ...filters(),
      }),
    async run(workspace, { n, to, body, dry_run: dryRun, ...filter }) {
      const { replay } = await import("../send/replay.ts");
      if (to !== undefined) requireTarget(workspace, to);
      const options = { ...filterOf(filter), to, dryRun, body: body === undefined ? undefined : Buffer.from(body) };
      return reportAll(workspace, replay(workspace, n === undefined ? [] : [String(n)], options));
    },
  }),
};

/** For doors that check the input with the schema. */
export const operationsByName: ReadonlyMap<string, Operation> = new Map(Object.entries<Operation>(operations));

/** Gives the functions the type that the schema reads. */
function operation<Schema extends z.ZodObject>(
  given: Operation<z.output<Schema>> & { input(): Schema },
): Operation<z.output<Schema>> {
  return given;
}

function filterOf({ event, ...others }: Omit<FilterOptions, "event"> & { readonly event?: string | undefined }) {
  return event === undefined ? others : { ...others, event: [event] };
}

/** Refuses a target before anything is read. Where it leads to in the end is checked again before anything is sent. */
function requireTarget({ requireReachable }: Workspace, to: string): void {
  requireReachable(targetUrl(to, undefined, { host: "localhost", port: 3000 }, "to"));
}
