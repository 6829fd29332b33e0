import { zoho } from "../../../../zoho.js";

export async function GET(request) {
  const { APP_URL, CRON_SECRET, ZOHO_WEBHOOK_TOKEN } = process.env;
  if (!CRON_SECRET || request.headers.get("authorization") !== `Bearer ${CRON_SECRET}`)
    return new Response(null, { status: 401 });
  const kept = await zoho.keepAlive({
    name: "billing-production",
    url: `${APP_URL}/webhooks/zoho`,
    token: ZOHO_WEBHOOK_TOKEN,
    events: ["Leads.all"],
  });
  return Response.json(kept);
}
