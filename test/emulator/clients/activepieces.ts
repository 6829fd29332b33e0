import { type Client, calls } from "./replay.ts";

const API = "/crm/v8";
const id = "data.0.details.id";

export const activepieces: Client = {
  name: "activepieces, zoho-crm",
  source: "activepieces/activepieces packages/pieces/community/zoho-crm/src/lib/common",
  scheme: "Zoho-oauthtoken",
  calls: calls(
    ["list modules", `GET ${API}/settings/modules`, { reads: ["modules.0.api_name"] }],
    [
      "list fields",
      `GET ${API}/settings/fields?module=Leads`,
      { reads: ["fields.0.api_name", "fields.0.field_read_only"] },
    ],
    [
      "create",
      `POST ${API}/Leads`,
      { body: { data: [{ Last_Name: "Doe", Company: "Acme" }], trigger: [] }, reads: [id], as: "lead" },
    ],
    [
      "update",
      `PUT ${API}/Leads/{lead}`,
      { body: { data: [{ City: "Austin", $append_values: { Tag: true } }] }, reads: [id] },
    ],
    [
      "upsert",
      `POST ${API}/Leads/upsert`,
      {
        body: { data: [{ Last_Name: "Roe", Email: "r@example.com" }], duplicate_check_fields: ["Email"] },
        reads: [id, "data.0.action"],
      },
    ],
    ["get", `GET ${API}/Leads/{lead}?fields=Last_Name`, { reads: ["data.0.id"] }],
    [
      "poll",
      `GET ${API}/Leads?fields=id,Modified_Time&sort_by=Modified_Time&sort_order=desc&per_page=1&page=1`,
      { reads: ["info.next_page_token"], as: "token" },
    ],
    [
      "poll further",
      `GET ${API}/Leads?fields=id,Modified_Time&sort_by=Modified_Time&sort_order=desc&per_page=1&page_token={token}`,
      { reads: ["data.0.id"] },
    ],
    [
      "add note",
      `POST ${API}/Notes`,
      {
        body: { data: [{ Parent_Id: { module: { api_name: "Leads" }, id: "{lead}" }, Note_Content: "n" }] },
        reads: [id],
      },
    ],
    ["list notes", `GET ${API}/Leads/{lead}/Notes?fields=Note_Content`, { reads: ["data.0.Note_Content"] }],
    ["list tags", `GET ${API}/settings/tags?module=Leads`],
    [
      "create tag",
      `POST ${API}/settings/tags?module=Leads`,
      { body: { tags: [{ name: "hot" }] }, reads: ["tags.0.details.id"] },
    ],
    [
      "add tags",
      `POST ${API}/Leads/actions/add_tags`,
      { body: { tags: [{ name: "hot" }], ids: ["{lead}"], over_write: false }, reads: ["data.0.details.tags.0.name"] },
    ],
    [
      "remove tags",
      `POST ${API}/Leads/actions/remove_tags`,
      { body: { tags: [{ name: "hot" }], ids: ["{lead}"] }, reads: [id] },
    ],
    [
      "upload attachment",
      `POST ${API}/Leads/{lead}/Attachments`,
      { form: { attachmentUrl: "https://example.com/a" }, reads: [id] },
    ],
    ["delete", `DELETE ${API}/Leads/{lead}?wf_trigger=false`, { reads: [id] }],
    ["convert", `POST ${API}/Leads/{lead}/actions/convert`, { body: { data: [{}] } }],
  ),
  gaps: { "upload attachment": "no attachments", convert: "no conversion" },
};
