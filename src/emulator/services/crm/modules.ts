import { memberOf } from "../../state.ts";

export interface Field {
  readonly id: string;
  readonly apiName: string;
  /** Zoho's `data_type`. */
  readonly type: string;
  readonly mandatory: boolean;
  /** Set by Zoho alone. */
  readonly readOnly: boolean;
  /** Of a pick list. */
  readonly values: readonly string[];
  /** The module that a lookup refers to; undefined for one of several. */
  readonly module?: string;
}

export interface Module {
  readonly id: string;
  readonly apiName: string;
  readonly fields: ReadonlyMap<string, Field>;
  /** The fields whose values are the name of a record. */
  readonly naming: readonly string[];
  /** The field by which an upsert finds duplicates if it does not say. */
  readonly unique: string;
}

const INDUSTRY = "Industry picklist Communications,Consulting,Education,Financial Services,Manufacturing,Technology";
const SOURCE = `Lead_Source picklist Advertisement,Cold Call,Employee Referral,External Referral,Online Store,Partner,\
Public Relations,Trade Show,Web Download,Chat`;
const PERSON = `Last_Name* text; First_Name text; Salutation picklist Mr.,Mrs.,Ms.,Dr.,Prof.; Email email; Phone phone;
  Mobile phone`;
const ACCOUNT = `Account_Name* text; Website website; Phone phone; ${INDUSTRY}; Annual_Revenue currency`;
const CONTACT = `${PERSON}; Title text; Account_Name lookup Accounts; Date_of_Birth date; Mailing_City text`;
const DEAL = `Deal_Name* text; Stage* picklist Qualification,Needs Analysis,Value Proposition,Identify Decision Makers,\
Proposal/Price Quote,Negotiation/Review,Closed Won,Closed Lost,Closed Lost to Competition; Amount currency;
  Closing_Date date; Account_Name lookup Accounts; Contact_Name lookup Contacts`;
const ABOUT = "Who_Id lookup Contacts; What_Id lookup";
const TASK = `Subject* text; Due_Date date; Status picklist Not Started,Deferred,In Progress,Completed,Waiting for input;
  Priority picklist High,Highest,Low,Lowest,Normal; ${ABOUT}`;
const EVENT = `Event_Title* text; Start_DateTime* datetime; End_DateTime* datetime; Venue text; ${ABOUT}`;
const CALL = `Subject* text; Call_Type* picklist Inbound,Outbound,Missed; Call_Start_Time* datetime; Call_Duration text;
  ${ABOUT}`;
const PRODUCT = "Product_Name* text; Product_Code text; Product_Active boolean; Unit_Price currency";
const ORDER = `Subject* text; Account_Name lookup Accounts; Contact_Name lookup Contacts; Due_Date date; Status text;
  Grand_Total currency`;

/** Fields as `name type`; * marks a mandatory one. Behind it are the values of a pick list, or the module of a lookup. */
const SPECIFICATIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  crm: {
    Leads: `${PERSON}; Company text; Designation text; Website website; ${SOURCE}; ${INDUSTRY}; Annual_Revenue currency;
      Lead_Status picklist Attempted to Contact,Contact in Future,Contacted,Junk Lead,Lost Lead,Not Contacted,\
Pre-Qualified,Not Qualified; No_of_Employees integer; Email_Opt_Out boolean; City text; Country text`,
    Accounts: `${ACCOUNT}; Employees integer; Parent_Account lookup Accounts; Billing_City text`,
    Contacts: `${CONTACT}; ${SOURCE}; Department text; Email_Opt_Out boolean`,
    Deals: `${DEAL}; ${SOURCE}; Type picklist Existing Business,New Business; Probability integer;
      Campaign_Source lookup Campaigns`,
    Campaigns: `Campaign_Name* text; Status picklist Planning,Active,Inactive,Complete; Start_Date date; End_Date date`,
    Tasks: TASK,
    Cases: `Subject* text; Status* picklist New,On Hold,Escalated,Closed; Case_Origin* picklist Email,Phone,Web;
      Priority picklist High,Medium,Low; Account_Name lookup Accounts`,
    Events: EVENT,
    Calls: CALL,
    Solutions: "Solution_Title* text; Status picklist Draft,Reviewed,Duplicate; Product_Name lookup Products",
    Products: `${PRODUCT}; Qty_in_Stock double; Vendor_Name lookup Vendors`,
    Vendors: "Vendor_Name* text; Email email; Phone phone; Website website",
    Price_Books: "Price_Book_Name* text; Pricing_Model* picklist Flat,Differential; Active boolean",
    Quotes: `${ORDER}; Deal_Name lookup Deals; Quote_Stage picklist Draft,Negotiation,Delivered,On Hold,Confirmed`,
    Sales_Orders: `${ORDER}; Deal_Name lookup Deals`,
    Purchase_Orders: `${ORDER}; Vendor_Name lookup Vendors`,
    Invoices: `${ORDER}; Sales_Order lookup Sales_Orders; Invoice_Date date`,
    Appointments: "Appointment_Name* text; Appointment_Start_Time datetime; Service_Name lookup Services",
    Services: "Service_Name* text; Price currency; Status picklist Active,Inactive",
  },
  bigin: {
    Contacts: CONTACT,
    Pipelines: `${DEAL}; Sub_Pipeline text`,
    Accounts: ACCOUNT,
    Products: PRODUCT,
    Tasks: TASK,
    Events: EVENT,
    Calls: CALL,
  },
  recruit: {
    Candidates: `${PERSON}; Current_Employer text; Source picklist Added by User,Career Site,Referral;
      Candidate_Status picklist New,Waiting-for-Evaluation,Qualified,Unqualified,Contacted,Interview-Scheduled,Hired,\
Rejected`,
    Job_Openings: `Posting_Title* text; Client_Name text; Number_of_Positions integer;
      Job_Opening_Status picklist In-progress,Waiting for approval,On-Hold,Filled,Cancelled`,
    Applications: "Application_Status text; Candidate lookup Candidates; Job_Opening lookup Job_Openings",
    Interviews: `Interview_Name* text; Start_DateTime* datetime; End_DateTime datetime; Candidate lookup Candidates;
      Job_Opening lookup Job_Openings`,
  },
};

const SYSTEM = ["Created_By ownerlookup", "Modified_By ownerlookup", "Created_Time datetime", "Modified_Time datetime"];
const FIRST_MODULE = 554023000000000125n;
const FIRST_FIELD = 554023000000001001n;

const modules: Readonly<Record<string, Readonly<Record<string, Module>>>> = Object.fromEntries(
  Object.entries(SPECIFICATIONS).map(([product, specifications]) => [
    product,
    Object.fromEntries(Object.entries(specifications).map(([name, fields], i) => [name, toModule(name, fields, i)])),
  ]),
);

function toModule(apiName: string, specification: string, index: number): Module {
  const isPerson = specification.startsWith("Last_Name");
  const system = isPerson ? ["Full_Name text", ...SYSTEM] : SYSTEM;
  const own = specification.split(/;\s+/);
  const fields = [...own, "Owner ownerlookup", "Description textarea", ...system].map((text, i): Field => {
    const [, name = "", mark, type = "", more] = /^(\w+)(\*?) (\w+)(?: (.+))?$/.exec(text) ?? [];
    return {
      id: String(FIRST_FIELD + BigInt(1000 * index + i)),
      apiName: name,
      type,
      mandatory: mark === "*",
      readOnly: system.includes(text),
      values: type === "picklist" ? ["-None-", ...(more ?? "").split(",")] : [],
      ...(type === "lookup" && more !== undefined ? { module: more } : {}),
    };
  });
  const first = fields[0]?.apiName ?? "";
  return {
    id: String(FIRST_MODULE + BigInt(2 * index)),
    apiName,
    fields: new Map(fields.map((field) => [field.apiName, field])),
    naming: isPerson ? ["First_Name", "Last_Name"] : [first],
    unique: isPerson ? "Email" : first,
  };
}

export function modulesOf(product: string): readonly Module[] {
  return Object.values(memberOf(modules, product) ?? {});
}

export function findModule(product: string, name: string): Module | undefined {
  return memberOf(memberOf(modules, product) ?? {}, name);
}

/** A module as `settings/modules` answers it. */
export function describeModule({ id, apiName }: Module): Record<string, unknown> {
  const label = apiName.replaceAll("_", " ");
  return {
    id,
    api_name: apiName,
    module_name: apiName,
    plural_label: label,
    singular_label: label.replace(/s$/, ""),
    api_supported: true,
    generated_type: "default",
  };
}

/** A field as `settings/fields` answers it: version 2 names the module of a lookup, later ones describe it. */
export function describeField(field: Field, version: number): Record<string, unknown> {
  const { id, apiName, type, mandatory, readOnly, values, module = "se_module" } = field;
  return {
    id,
    api_name: apiName,
    field_label: apiName.replaceAll("_", " "),
    data_type: type,
    json_type: JSON_TYPES[type] ?? "string",
    system_mandatory: mandatory,
    read_only: readOnly,
    custom_field: false,
    visible: true,
    length: maxLength(type),
    lookup: type === "lookup" ? { api_name: apiName, module: version < 3 ? module : { api_name: module } } : {},
    pick_list_values: values.map((value) => ({ display_value: value, actual_value: value, type: "used" })),
  };
}

export function maxLength(type: string): number {
  return { textarea: 32_000, phone: 30, email: 100 }[type] ?? 255;
}

const JSON_TYPES: Readonly<Record<string, string>> = {
  integer: "integer",
  boolean: "boolean",
  double: "double",
  currency: "double",
  lookup: "jsonobject",
  ownerlookup: "jsonobject",
};
