import { type ApiCall, apiCalls, inputSchema } from "../../src/inspector/v1.ts";
import { operations } from "../../src/operations/index.ts";

const json = (schema: object) => ({ "application/json": { schema } });
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });

/** An OpenAPI description (https://spec.openapis.org/oas/v3.1.1) of the API for tests, as JSON. */
export function openApi(version: string): string {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const call of apiCalls) {
    const path = call.path.replace(/^\/v1/, "");
    paths[path] = { ...paths[path], [call.method.toLowerCase()]: operation(call) };
  }
  return `${JSON.stringify({ openapi: "3.1.1", info: { title: "zoho-hooks", version, description: ABOUT }, ...SERVER, paths, ...COMPONENTS }, null, 2)}\n`;
}

const ABOUT =
  "The API that `zoho-hooks listen --ui` and `zoho-hooks ui` serve to programs of this machine. URL and token: the member `api` of the ready line of --json, or ZOHO_HOOKS_API_URL and ZOHO_HOOKS_API_TOKEN in a program of --exec. Within version 1 calls and members are only added.";

const SERVER = {
  servers: [{ url: "http://127.0.0.1:{port}/v1", variables: { port: { default: "4470" } } }],
  security: [{ token: [] }],
};

function operation(call: ApiCall): object {
  const { method, operation: of } = call;
  const { properties, required = [], ...schema } = inputSchema(call);
  const { $schema, ...input } = schema as Record<string, unknown>;
  const parameters = Object.entries(properties).map(([name, member]) => {
    const { description, ...type } = member as Record<string, unknown>;
    const isInPath = call.path.includes(`{${name}}`);
    return {
      name,
      in: isInPath ? "path" : "query",
      ...((isInPath || required.includes(name)) && { required: true }),
      ...(description !== undefined && { description }),
      schema: type,
    };
  });
  const body = { required: true, content: json({ ...input, properties, required }) };
  const [name = ""] = Object.entries(operations).find(([, each]) => each === of) ?? [];
  return {
    operationId: name,
    summary: of.summary,
    ...(method === "POST" ? { requestBody: body } : parameters.length > 0 && { parameters }),
    responses: {
      200: { description: "What came of it.", content: json(ref("Outcome")) },
      default: { description: "The call itself was refused.", content: json(ref("Failure")) },
    },
  };
}

const COMPONENTS = {
  components: {
    securitySchemes: { token: { type: "http", scheme: "bearer" } },
    schemas: {
      Outcome: {
        type: "object",
        required: ["ok", "lines", "notes"],
        properties: {
          ok: { type: "boolean", description: "Whether the command would exit with 0." },
          lines: {
            type: "array",
            items: { type: "object", additionalProperties: true },
            description: "The lines that the command prints with --json: docs/json.md.",
          },
          notes: {
            type: "array",
            items: { type: "string" },
            description: "Messages for people, such as which deliveries came instead.",
          },
        },
      },
      Failure: {
        type: "object",
        required: ["error", "hint"],
        properties: { error: { type: "string" }, hint: { type: ["string", "null"] } },
      },
    },
  },
};
