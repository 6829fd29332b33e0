import { zoho } from "../_shared/zoho.ts";

Deno.serve(async (request) => {
  const secret = Deno.env.get("CRON_SECRET");
  if (!secret || request.headers.get("authorization") !== `Bearer ${secret}`)
    return new Response(null, { status: 401 });
  const kept = await zoho.keepAlive({
    name: "billing-production",
    url: `${Deno.env.get("SUPABASE_URL")}/functions/v1/zoho-webhook`,
    token: Deno.env.get("ZOHO_WEBHOOK_TOKEN"),
    events: ["Leads.all"],
  });
  return Response.json(kept);
});
