import { expect, test } from "@playwright/test";

const { ZOHO_HOOKS_API_URL: api, ZOHO_HOOKS_API_TOKEN: token } = process.env;
const headers = { authorization: `Bearer ${token}` };

test("the app accepts a new lead", async ({ request }) => {
  const { lines } = await (await request.get(`${api}/events?limit=1`, { headers })).json();
  const after = lines[0]?.n ?? 0;
  await request.post(`${api}/send`, { headers, data: { product: "crm", event: "Leads.create" } });
  const came = await request.get(`${api}/events?event=crm:Leads.create&after=${after}&wait=10s`, { headers });
  expect(await came.json()).toMatchObject({ ok: true });
});
