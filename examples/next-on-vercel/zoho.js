import { connectZoho } from "zoho-hooks/zoho";
import { store } from "./store.js";

export const zoho = connectZoho({
  clientId: process.env.ZOHO_CLIENT_ID,
  clientSecret: process.env.ZOHO_CLIENT_SECRET,
  refreshToken: process.env.ZOHO_REFRESH_TOKEN,
  dc: process.env.ZOHO_DC, // the end of your Zoho URL: crm.zoho.eu is eu
  accountsUrl: process.env.ZOHO_ACCOUNTS_URL, // only for an emulator
  apiUrl: process.env.ZOHO_API_URL,
  store,
});
