import { type DeclaredField, memberOf } from "../../state.ts";
import type { CrmState } from "./state.ts";

export interface Field {
  readonly id: string;
  readonly apiName: string;
  /** Zoho's `data_type`. */
  readonly type: string;
  readonly mandatory: boolean;
  /** Set by Zoho alone. */
  readonly readOnly: boolean;
  readonly isCustom: boolean;
  /** Of a pick list. */
  readonly values: readonly string[];
  /** The module that a lookup refers to; `*` is any, and undefined one of several that is not checked. */
  readonly module?: string;
}

export interface CrmModule {
  readonly id: string;
  readonly apiName: string;
  readonly fields: ReadonlyMap<string, Field>;
  /** The fields whose values are the name of a record. */
  readonly naming: readonly string[];
  /** The field by which an upsert finds duplicates if it does not say. */
  readonly unique: string;
  /** Whether all of its fields are known. */
  readonly isComplete: boolean;
  readonly isWatchable: boolean;
  readonly isCustom: boolean;
}

const INDUSTRY = "Industry picklist Communications,Consulting,Education,Financial Services,Manufacturing,Technology";
const SOURCE = `Lead_Source picklist Advertisement,Cold Call,Employee Referral,External Referral,Online Store,Partner,\
Public Relations,Trade Show,Web Download,Chat`;
const PERSON = `Last_Name* text; First_Name text; Salutation picklist Mr.,Mrs.,Ms.,Dr.,Prof.; Email email; Phone phone;
  Mobile phone; Secondary_Email email; Fax text; Skype_ID text; Twitter text`;
const RATING = "Rating picklist Acquired,Active,Market Failed,Project Cancelled,Shut Down";
/** The parts of an address, behind a prefix such as `Billing_`. */
const address = (prefix: string, street = "Street", code = "Zip"): string =>
  [street, "City", "State", code, "Country"].map((part) => `${prefix}${part} text`).join("; ");
const ACCOUNT = `Account_Name* text; Website website; Phone phone; Fax text; ${INDUSTRY}; Annual_Revenue currency`;
const CONTACT = `${PERSON}; Title text; Account_Name lookup Accounts; Date_of_Birth date; Home_Phone phone; Other_Phone phone;
  ${address("Mailing_")}`;
const DEAL = `Deal_Name* text; Stage* picklist Qualification,Needs Analysis,Value Proposition,Identify Decision Makers,\
Proposal/Price Quote,Negotiation/Review,Closed Won,Closed Lost,Closed Lost to Competition; Amount currency;
  Closing_Date date; Account_Name lookup Accounts; Contact_Name lookup Contacts`;
const ABOUT = "Who_Id lookup Contacts; What_Id lookup";
const TASK = `Subject* text; Due_Date date; Status picklist Not Started,Deferred,In Progress,Completed,Waiting for input;
  Priority picklist High,Highest,Low,Lowest,Normal; Closed_Time datetime; Send_Notification_Email boolean;
  Recurring_Activity text; Remind_At text; ${ABOUT}`;
const EVENT = `Event_Title* text; Start_DateTime* datetime; End_DateTime* datetime; Venue text; All_day boolean;
  Participants jsonarray; Recurring_Activity text; Remind_At text; ${ABOUT}`;
const CALL = `Subject* text; Call_Type* picklist Inbound,Outbound,Missed; Call_Start_Time* datetime; Call_Duration text;
  Call_Purpose text; Call_Result text; Call_Status text; Outgoing_Call_Status text; ${ABOUT}`;
const PRODUCT = `Product_Name* text; Product_Code text; Product_Active boolean; Product_Category text; Unit_Price currency;
  Manufacturer text; Commission_Rate currency; Taxable boolean; Tax jsonarray`;
/** Lines have other names before version 3. */
const LINES =
  "Product_Details jsonarray; Quoted_Items jsonarray; Ordered_Items jsonarray; Invoiced_Items jsonarray; Purchase_Items jsonarray";
const ORDER = `Subject* text; Account_Name lookup Accounts; Contact_Name lookup Contacts; Due_Date date; Status text;
  Grand_Total currency; Sub_Total currency; Tax currency; Adjustment currency; Discount currency; Carrier text;
  Terms_and_Conditions textarea; Excise_Duty currency; Sales_Commission currency; ${LINES};
  ${address("Billing_", "Street", "Code")}; ${address("Shipping_", "Street", "Code")}`;
/** Related to a record of any module. */
const NOTE = "Note_Content* textarea; Note_Title text; Parent_Id* lookup *";

/** Fields as `name type`; * marks a mandatory one. Behind it are the values of a pick list, or the module of a lookup. */
const SPECIFICATIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  crm: {
    Leads: `${PERSON}; Company text; Designation text; Website website; ${SOURCE}; ${INDUSTRY}; Annual_Revenue currency;
      Lead_Status picklist Attempted to Contact,Contact in Future,Contacted,Junk Lead,Lost Lead,Not Contacted,\
Pre-Qualified,Not Qualified; No_of_Employees integer; Email_Opt_Out boolean; ${RATING}; ${address("", "Street", "Zip_Code")}`,
    Accounts: `${ACCOUNT}; Employees integer; Parent_Account lookup Accounts; Account_Number text; Account_Site text;
      Account_Type picklist Analyst,Competitor,Customer,Distributor,Integrator,Investor,Other,Partner,Press,Prospect,\
Reseller,Supplier,Vendor; Ownership picklist Other,Private,Public,Subsidiary,Partnership,Government; SIC_Code integer;
      Ticker_Symbol text; ${RATING}; ${address("Billing_", "Street", "Code")}; ${address("Shipping_", "Street", "Code")}`,
    Contacts: `${CONTACT}; ${SOURCE}; Department text; Email_Opt_Out boolean; Assistant text; Asst_Phone phone;
      Reporting_To lookup Contacts; Vendor_Name lookup Vendors; ${address("Other_")}`,
    Deals: `${DEAL}; ${SOURCE}; Type picklist Existing Business,New Business; Probability integer;
      Campaign_Source lookup Campaigns; Next_Step text; Expected_Revenue currency; Pipeline text;
      Lead_Conversion_Time integer; Sales_Cycle_Duration integer; Overall_Sales_Duration integer`,
    Campaigns: `Campaign_Name* text; Status picklist Planning,Active,Inactive,Complete; Start_Date date; End_Date date;
      Type text; Budgeted_Cost currency; Actual_Cost currency; Expected_Revenue currency; Expected_Response integer;
      Num_sent integer; Parent_Campaign lookup Campaigns`,
    Tasks: TASK,
    Cases: `Subject* text; Status* picklist New,On Hold,Escalated,Closed; Case_Origin* picklist Email,Phone,Web;
      Priority picklist High,Medium,Low; Account_Name lookup Accounts; Deal_Name lookup Deals; Product_Name lookup Products;
      Related_To lookup Contacts; Type text; Reported_By text; Case_Reason text; Email email; Phone phone;
      Internal_Comments textarea; Solution textarea`,
    Events: EVENT,
    Calls: CALL,
    Solutions:
      "Solution_Title* text; Status picklist Draft,Reviewed,Duplicate; Product_Name lookup Products; Question textarea; Answer textarea",
    Products: `${PRODUCT}; Qty_in_Stock double; Qty_Ordered double; Qty_in_Demand double; Reorder_Level double;
      Usage_Unit text; Sales_Start_Date date; Sales_End_Date date; Support_Start_Date date; Support_Expiry_Date date;
      Vendor_Name lookup Vendors`,
    Vendors: `Vendor_Name* text; Email email; Phone phone; Website website; Category text; GL_Account text; Street text;
      City text; State text; Zip_Code text; Country text`,
    Price_Books: "Price_Book_Name* text; Pricing_Model* picklist Flat,Differential; Active boolean",
    Quotes: `${ORDER}; Deal_Name lookup Deals; Quote_Stage picklist Draft,Negotiation,Delivered,On Hold,Confirmed;
      Team text; Valid_Till date`,
    Sales_Orders: `${ORDER}; Deal_Name lookup Deals; Quote_Name lookup Quotes; Customer_No text; Purchase_Order text;
      Pending text`,
    Purchase_Orders: `${ORDER}; Vendor_Name lookup Vendors; PO_Number text; PO_Date date; Requisition_No text;
      Tracking_Number text`,
    Invoices: `${ORDER}; Sales_Order lookup Sales_Orders; Invoice_Date date; Purchase_Order text`,
    Appointments: "Appointment_Name* text; Appointment_Start_Time datetime; Service_Name lookup Services",
    Services: "Service_Name* text; Price currency; Status picklist Active,Inactive",
    Notes: NOTE,
  },
  bigin: {
    Contacts: CONTACT,
    Pipelines: `${DEAL}; Sub_Pipeline text`,
    Accounts: ACCOUNT,
    Products: PRODUCT,
    Tasks: TASK,
    Events: EVENT,
    Calls: CALL,
    Notes: NOTE,
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
    Notes: NOTE,
  },
};

/** Modules that no channel can watch. */
const UNWATCHED = ["Notes"];
const TAG = "Tag tag";
const SYSTEM = ["Created_By ownerlookup", "Modified_By ownerlookup", "Created_Time datetime", "Modified_Time datetime"];
const FIRST_MODULE = 554023000000000125n;
const FIRST_FIELD = 554023000000001001n;

const standard: Readonly<Record<string, ReadonlyMap<string, CrmModule>>> = Object.fromEntries(
  Object.entries(SPECIFICATIONS).map(([product, specifications]) => [
    product,
    new Map(Object.entries(specifications).map(([name, text], i) => [keyOf(name), standardModule(name, text, i)])),
  ]),
);

function standardModule(apiName: string, specification: string, index: number): CrmModule {
  const isPerson = specification.startsWith("Last_Name");
  const system = isPerson ? ["Full_Name text", ...SYSTEM] : SYSTEM;
  const texts = [...specification.split(/;\s+/), "Owner ownerlookup", "Description textarea", TAG, ...system];
  const fields = texts.map((text, i): Field => {
    const [, name = "", mark, type = "", more] = /^(\w+)(\*?) (\w+)(?: (.+))?$/s.exec(text) ?? [];
    return {
      id: fieldId(index, i),
      apiName: name,
      type,
      mandatory: mark === "*",
      readOnly: system.includes(text),
      isCustom: false,
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
    isComplete: false,
    isCustom: false,
    isWatchable: !UNWATCHED.includes(apiName),
  };
}

function fieldId(moduleIndex: number, fieldIndex: number): string {
  return String(FIRST_FIELD + BigInt(1000 * moduleIndex + fieldIndex));
}

/** Names count without regard to case and underscores: clients of CRM's older versions write `purchase_orders` and `SalesOrders`. */
function keyOf(name: string): string {
  return name.toLowerCase().replaceAll("_", "");
}

/** A custom module has the fields that all standard ones have. */
const CUSTOM = "Name* text";

/** The modules of the organisation: the standard ones, with the fields and the modules that it has declared. */
export class Modules {
  readonly #own: () => Pick<CrmState, "declared">;
  readonly #built = new WeakMap<readonly DeclaredField[], CrmModule>();

  constructor(own: () => Pick<CrmState, "declared">) {
    this.#own = own;
  }

  all(product: string): readonly CrmModule[] {
    const names = [...(memberOf(standard, product)?.values() ?? [])].map(({ apiName }) => apiName);
    const all = [...new Set([...names, ...Object.keys(this.#declaredIn(product))])];
    return all.flatMap((name) => this.find(product, name) ?? []);
  }

  find(product: string, name: string): CrmModule | undefined {
    const key = keyOf(name);
    const known = memberOf(standard, product)?.get(key);
    const declared = Object.entries(this.#declaredIn(product));
    const index = declared.findIndex(([each]) => keyOf(each) === key);
    const [declaredName, fields] = declared[index] ?? [];
    if (declaredName === undefined || fields === undefined) return known;
    const built = this.#built.get(fields) ?? withFields(known ?? customModule(declaredName, index), fields);
    this.#built.set(fields, built);
    return built;
  }

  /** Says which fields a module has beside the standard ones. From then on it drops all others, as at Zoho. */
  declare(product: string, module: string, fields: readonly DeclaredField[]): void {
    const { declared } = this.#own();
    declared[product] = { ...declared[product], [this.find(product, module)?.apiName ?? module]: [...fields] };
  }

  #declaredIn(product: string): Readonly<Record<string, readonly DeclaredField[]>> {
    return memberOf(this.#own().declared, product) ?? {};
  }
}

const FIRST_CUSTOM = 500;
/** Keeps the ids of declared fields apart, whatever their module. */
const FIELD_STEP = 10_000_000n;

function customModule(name: string, index: number): CrmModule {
  return { ...standardModule(name, CUSTOM, FIRST_CUSTOM + index), isCustom: true };
}

function withFields(module: CrmModule, declared: readonly DeclaredField[]): CrmModule {
  const added = declared.map(
    (each, i): Field => ({
      id: String(BigInt(module.id) + FIELD_STEP * BigInt(i + 1)),
      apiName: each.api_name,
      type: each.data_type,
      mandatory: each.system_mandatory === true,
      readOnly: false,
      isCustom: true,
      values: each.values ?? [],
      ...(each.module === undefined ? {} : { module: each.module }),
    }),
  );
  const fields = new Map([...module.fields, ...added.map((field): [string, Field] => [field.apiName, field])]);
  return { ...module, fields, isComplete: true };
}

/** A module as `settings/modules` answers it. */
export function describeModule({ id, apiName, isCustom }: CrmModule): Record<string, unknown> {
  const plural_label = labelOf(apiName);
  return {
    id,
    api_name: apiName,
    module_name: apiName,
    plural_label,
    singular_label: singular(plural_label),
    api_supported: true,
    creatable: true,
    editable: true,
    deletable: true,
    viewable: true,
    visible: true,
    generated_type: isCustom ? "custom" : "default",
  };
}

/** A field as `settings/fields` answers it: version 2 names the module of a lookup, later ones describe it. */
export function describeField(field: Field, version: number): Record<string, unknown> {
  const { id, apiName, type, mandatory, readOnly, isCustom, values, module = "se_module" } = field;
  const label = labelOf(apiName);
  return {
    id,
    api_name: apiName,
    field_label: label,
    display_label: label,
    data_type: DATA_TYPES[type] ?? type,
    json_type: JSON_TYPES[type] ?? "string",
    system_mandatory: mandatory,
    read_only: readOnly,
    field_read_only: readOnly,
    custom_field: isCustom,
    visible: true,
    length: maxLength(type),
    decimal_place: ["currency", "double"].includes(type) ? 2 : null,
    default_value: null,
    tooltip: null,
    unique: {},
    view_type: { view: true, edit: !readOnly, create: !readOnly, quick_create: mandatory },
    lookup: type === "lookup" ? { api_name: apiName, module: version < 3 ? module : { api_name: module } } : {},
    pick_list_values: values.map((value, i) => ({
      display_value: value,
      actual_value: value,
      sequence_number: i + 1,
      type: "used",
    })),
  };
}

/** The only layout of a module, with all of its fields in one section. */
export function describeLayout(module: CrmModule, version: number): Record<string, unknown> {
  const section = `${singular(labelOf(module.apiName))} Information`;
  const fields = [...module.fields.values()].map((field) => describeField(field, version));
  return {
    id: String(BigInt(module.id) + LAYOUT_STEP),
    name: "Standard",
    api_name: "Standard",
    display_label: "Standard",
    status: "active",
    visible: true,
    created_for: null,
    profiles: [{ default: true, ...PROFILE }],
    sections: [
      { api_name: section, name: section, display_label: section, sequence_number: 1, column_count: 2, fields },
    ],
  };
}

/** Keeps the ids of layouts apart from those of modules. */
const LAYOUT_STEP = 900_001n;

function labelOf(apiName: string): string {
  return apiName.replaceAll("_", " ");
}

function singular(label: string): string {
  return label.replace(/ies$/, "y").replace(/s$/, "");
}

export function maxLength(type: string): number {
  return { textarea: 32_000, phone: 30, email: 100 }[type] ?? 255;
}

/** Lists of objects are said to be text. */
const DATA_TYPES: Readonly<Record<string, string>> = { tag: "text", jsonarray: "text" };
const JSON_TYPES: Readonly<Record<string, string>> = {
  integer: "integer",
  boolean: "boolean",
  double: "double",
  currency: "double",
  lookup: "jsonobject",
  ownerlookup: "jsonobject",
  tag: "jsonarray",
  jsonarray: "jsonarray",
};

/** The only profile of users. */
export const PROFILE = { name: "Administrator", id: "554023000000015972" };
