import { connectZoho } from "zoho-hooks/zoho";
import { store } from "./store.ts";

export const zoho = connectZoho({
  clientId: Deno.env.get("ZOHO_CLIENT_ID"),
  clientSecret: Deno.env.get("ZOHO_CLIENT_SECRET"),
  refreshToken: Deno.env.get("ZOHO_REFRESH_TOKEN"),
  dc: Deno.env.get("ZOHO_DC"),
  accountsUrl: Deno.env.get("ZOHO_ACCOUNTS_URL"), // only for an emulator
  apiUrl: Deno.env.get("ZOHO_API_URL"),
  store,
});
