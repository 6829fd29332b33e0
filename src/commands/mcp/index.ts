import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { Readable } from "node:stream";
import { McpServer } from "@modelcontextprotocol/server";
import { StdioServerTransport, serveStdio } from "@modelcontextprotocol/server/stdio";
import type { z } from "zod";
import { operationsByName } from "../../operations/index.ts";
import type { Context } from "../../project/context.ts";
import { overrideContext } from "../../project/context.ts";
import { readProject } from "../../project/project.ts";
import { checkTrust, notTrusted } from "../../project/trust.ts";
import { examples } from "../../terminal/help.ts";
import { ExitCode } from "../../util/errors.ts";
import { parseJsonFile, readText } from "../../util/files.ts";
import { onAbort } from "../../util/timing.ts";
import { formatBytes } from "../../util/units.ts";
import type { Define } from "../command.ts";
import { type Answer, failureAnswer, serveCalls } from "./answer.ts";
import { createCalls } from "./calls.ts";
import { MessageLines } from "./messages.ts";
import { createWait, WAIT_FOR_EVENT } from "./wait.ts";

interface McpOptions {
  readonly allowRemote?: boolean;
}

export const define: Define = (command, act) => {
  command
    .option("--allow-remote", "let send, replay and check_endpoint reach other machines than this one")
    .addHelpText(
      "before",
      examples(
        "claude mcp add zoho-hooks -- npx --no-install zoho-hooks mcp    in Claude Code",
        "codex mcp add zoho-hooks -- npx --no-install zoho-hooks mcp     in Codex",
      ),
    )
    .addHelpText("after", HELP)
    .action(act(mcp));
};

const HELP = `
Agents start it themselves. The entry for the JSON file of Cursor, Windsurf and Claude Desktop, under "mcpServers", and of
VS Code (.vscode/mcp.json), under "servers":
  "zoho-hooks": { "command": "npx", "args": ["--no-install", "zoho-hooks", "mcp"] }

It works in the folder in which it is started, with its settings, secrets and event log. What it returns is masked as on the
terminal, and what a sender wrote is marked as data.`;

/** Enough for a body of 9 MB. */
const MAX_MESSAGE_BYTES = 10_000_000;
const TOO_LONG = `a message of more than ${formatBytes(MAX_MESSAGE_BYTES)} is not read: verify a large body from a file, with zoho-hooks verify <file>`;
/** JSON-RPC's code for a message that is no request: https://www.jsonrpc.org/specification#error_object */
const INVALID_REQUEST = -32_600;

async function mcp(context: Context, { allowRemote = false }: McpOptions): Promise<ExitCode> {
  if (context.threadParent !== undefined) return serveCalls(context, context.threadParent);
  const manifest = join(context.packageRoot, "package.json");
  // What cannot be read is told by each call, until it is mended.
  const whole = readProject(context, () => {});
  const { open } = await checkTrust(context, whole);
  const calls = createCalls(context, { allowRemote });
  // Standard input and output are the protocol's.
  const quiet = overrideContext(context, { prompts: async () => undefined });
  const wait = await createWait(quiet, calls.call);
  const messages = new MessageLines(MAX_MESSAGE_BYTES, (id) => {
    if (id === undefined) context.stderr.write(`error: ${TOO_LONG}\n`);
    else void transport.send({ jsonrpc: "2.0", id, error: { code: INVALID_REQUEST, message: TOO_LONG } });
  });
  const transport = new StdioServerTransport(messages, undefined, { maxBufferSize: MAX_MESSAGE_BYTES });
  const { version } = parseJsonFile(readText(manifest) ?? "{}", manifest) as { readonly version: string };
  const handle = serveStdio(createServer, { transport });
  Readable.from(context.stdin.chunks()).pipe(messages);
  const { onclose } = transport;
  await new Promise<void>((resolve) => {
    onAbort(context.signal, resolve);
    transport.onclose = () => {
      onclose?.();
      resolve();
    };
  });
  await handle.close();
  calls.close();
  return ExitCode.ok;

  function createServer(): McpServer {
    const server = new McpServer({ name: "zoho-hooks", version }, { instructions: INSTRUCTIONS });
    if (open.length > 0) {
      const { message, hint } = notTrusted(context, whole, open);
      server.server.setRequestHandler("initialize", () => {
        throw new Error(`${message}. ${hint}`);
      });
      return server;
    }
    calls.prepare();
    for (const { tool, summary, acts = false, input } of operationsByName.values())
      if (tool !== undefined) addTool(tool, summary, input(), acts, (given, signal) => calls.call(tool, given, signal));
    const { name, description, input } = WAIT_FOR_EVENT;
    addTool(name, description, input(), false, wait);
    for (const file of readdirSync(join(context.packageRoot, "docs")).filter((each) => each.endsWith(".md")))
      addPage(server, join(context.packageRoot, "docs", file));
    return server;

    function addTool(
      tool: string,
      description: string,
      input: z.ZodObject,
      acts: boolean,
      run: (given: unknown, signal: AbortSignal) => Promise<Answer>,
    ): void {
      const annotations = { readOnlyHint: !acts, openWorldHint: acts };
      // The SDK lists the schema; the call checks the input, so that an error, too, stands below the line.
      const inputSchema = { "~standard": { ...input["~standard"], validate: (value: unknown) => ({ value }) } };
      server.registerTool(tool, { description, inputSchema, annotations }, async (given, { mcpReq }) => {
        const answer = await run(given, mcpReq.signal).catch((error: unknown) => failureAnswer(error, context));
        return { isError: answer.isError, content: [answer.note, answer.data].map(textContent) };
      });
    }
  }
}

const INSTRUCTIONS =
  "Tools for webhooks of Zoho's products: samples, signatures, received deliveries. Do not invent Zoho payloads or signatures: get_sample and verify know them.";

function textContent(text: string) {
  return { type: "text" as const, text };
}

function addPage(server: McpServer, path: string): void {
  const topic = basename(path, ".md");
  const text = readText(path) ?? "";
  const title = /^# (.+)$/m.exec(text)?.[1] ?? topic;
  server.registerResource(
    topic,
    `zoho-hooks://docs/${topic}`,
    { title, mimeType: "text/markdown" },
    async ({ href }) => ({
      contents: [{ uri: href, mimeType: "text/markdown", text }],
    }),
  );
}
