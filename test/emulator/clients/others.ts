import { PUBLISHED } from "../../../src/emulator/published.ts";
import { type Client, calls } from "./replay.ts";

const refresh = {
  grant_type: "refresh_token",
  client_id: PUBLISHED.clientId,
  client_secret: PUBLISHED.clientSecret,
  refresh_token: PUBLISHED.refreshToken,
};
const FIELD = [
  "json_type",
  "length",
  "api_name",
  "data_type",
  "decimal_place",
  "system_mandatory",
  "display_label",
  "pick_list_values",
];

export const airbyte: Client = {
  name: "Airbyte, source-zoho-crm",
  source: "airbytehq/airbyte airbyte-integrations/connectors/source-zoho-crm/source_zoho_crm",
  scheme: "Zoho-oauthtoken",
  calls: calls(
    ["get a token", "POST /oauth/v2/token", { form: refresh, reads: ["access_token"] }],
    [
      "check_connection",
      "GET /crm/v8/settings/modules",
      { reads: ["modules.0.module_name", "modules.0.api_supported"] },
    ],
    ["module_settings", "GET /crm/v8/settings/modules/Leads", { reads: ["modules.0.api_name"] }],
    ["fields_settings", "GET /crm/v8/settings/fields?module=Leads", { reads: FIELD.map((name) => `fields.0.${name}`) }],
    [
      "records since",
      "GET /crm/v8/Leads?fields=id,Modified_Time&page=1",
      { headers: { "if-modified-since": "2020-01-01T00:00:00+00:00" } },
    ],
  ),
};

export const nango: Client = {
  name: "Nango, zoho providers",
  source: "NangoHQ/nango packages/providers/providers.yaml",
  scheme: "Zoho-oauthtoken",
  calls: calls(
    ["zoho: refresh", "POST /oauth/v2/token", { form: refresh, reads: ["access_token", "api_domain"] }],
    ["zoho-crm: verify", "GET /crm/v2/users?type=CurrentUser", { reads: ["users.0.id"] }],
    ["zoho-bigin", "GET /bigin/v2/settings/modules", { reads: ["modules.0.api_name"] }],
    ["zoho-recruit", "GET /recruit/v2/Candidates"],
    ["zoho-books", "GET /books/v3/organizations", { reads: ["organizations.0.organization_id"] }],
    ["zoho-desk", "GET /api/v1/organizations", { reads: ["data.0.id"] }],
    ["zoho-invoice", "GET /invoice/v3/organizations"],
  ),
  gaps: { "zoho-invoice": "no Invoice" },
};

const redirect = "http://localhost:3000/auth/zoho/callback";
const consent = new URLSearchParams({
  response_type: "code",
  client_id: PUBLISHED.clientId,
  scope: "AaaServer.profile.READ",
  redirect_uri: redirect,
  access_type: "offline",
  state: "s",
});

export const passport: Client = {
  name: "passport-zoho-crm",
  source: "passport-zoho-crm 0.1.3, lib/strategy.js",
  scheme: "Bearer",
  calls: calls(
    ["authorize", `GET /oauth/v2/auth?${consent}`],
    ["get a token", "POST /oauth/v2/token", { form: refresh, reads: ["access_token"] }],
    ["userProfile", "GET /oauth/user/info", { reads: ["Email", "First_Name", "Last_Name", "Display_Name", "ZUID"] }],
  ),
};
