import type { ZohoServer } from "./zoho-server.ts";

type Data = Readonly<Record<string, unknown>>;

const APIS = { crm: ["crm/v8", "ZohoCRM"], bigin: ["bigin/v2", "ZohoBigin"] } as const;

/** Changes records through the API, as an integration does. */
export function changeRecords(zoho: Pick<ZohoServer, "url" | "accounts">, product: keyof typeof APIS = "crm") {
  const [root, scopes] = APIS[product];
  const call = async (method: string, path: string, data?: readonly Data[]): Promise<readonly string[]> => {
    const authorization = `Zoho-oauthtoken ${zoho.accounts.makeAccessToken([`${scopes}.modules.ALL`])}`;
    const body = data && JSON.stringify({ data });
    const response = await fetch(`${zoho.url}/${root}/${path}`, { method, headers: { authorization }, body });
    const answer = (await response.json()) as { data?: { code: string; details: { id: string } }[] };
    if (!response.ok || answer.data?.some(({ code }) => code !== "SUCCESS"))
      throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
    return (answer.data ?? []).map(({ details }) => details.id);
  };
  return {
    createAll: (module: string, data: readonly Data[]) => call("POST", module, data),
    create: async (module: string, data: Data): Promise<string> => (await call("POST", module, [data]))[0] ?? "",
    change: (module: string, id: string, data: Data) => call("PUT", `${module}/${id}`, [data]),
    remove: (module: string, id: string) => call("DELETE", `${module}/${id}`),
  };
}

/** The ids in a notification. */
export function idsIn(body: Buffer): readonly string[] {
  return (JSON.parse(body.toString()) as { ids: string[] }).ids;
}
