import type { Data } from "../store.ts";

export interface DeskModule {
  /** In the names of its events: `Ticket_Add`. */
  readonly title: string;
  /** Group of its scopes. */
  readonly scope: string;
  /** The module and the member of the record that it belongs to: its path lies below that record's. */
  readonly parent?: { readonly module: string; readonly member: string };
  /** Member of the body of `moveToTrash` with the ids; without one, records are deleted by `DELETE`. */
  readonly trash?: string;
  /** Only read through the API. */
  readonly isFixed?: boolean;
  /** An empty organisation has one, so that it does not count as a record. */
  readonly isGiven?: boolean;
  readonly required: readonly string[];
  /** Members with their usual values. */
  readonly usual: Data;
  /** Members whose values are the ids of records of a module. */
  readonly references?: Readonly<Record<string, string>>;
  /** Parameters of the list that narrow it, with the member that they compare. Values are separated by commas. */
  readonly filters?: Readonly<Record<string, string>>;
  /** Those that narrow it at Desk only. */
  readonly unmodelled?: readonly string[];
}

/** https://github.com/zoho/zohodesk-oas: `Ticket.json`, `Contact.json`, `Account.json`, `TicketComment.json`, `Thread.json`, … */
export const MODULES: Readonly<Record<string, DeskModule>> = {
  tickets: {
    title: "Ticket",
    scope: "tickets",
    trash: "ticketIds",
    required: ["subject", "departmentId", "contactId"],
    usual: {
      ...empty("subject description priority category subCategory classification departmentId contactId accountId"),
      ...empty("assigneeId teamId productId email phone dueDate resolution"),
      status: "Open",
      channel: "Web",
      isEscalated: false,
      isSpam: false,
      cf: {},
    },
    references: { contactId: "contacts", accountId: "accounts" },
    filters: {
      departmentId: "departmentId",
      departmentIds: "departmentId",
      assignee: "assigneeId",
      teamIds: "teamId",
      status: "status",
      priority: "priority",
      channel: "channel",
      isSpam: "isSpam",
    },
    unmodelled: ["viewId", "receivedInDays", "sharedDepartmentId", "isShared", "follower", "commenter"],
  },
  comments: {
    title: "Ticket_Comment",
    scope: "tickets",
    parent: { module: "tickets", member: "ticketId" },
    required: ["content"],
    usual: { content: null, contentType: "plainText", isPublic: false, attachments: [] },
  },
  threads: {
    title: "Ticket_Thread",
    scope: "tickets",
    parent: { module: "tickets", member: "ticketId" },
    isFixed: true,
    required: ["content"],
    usual: {
      content: null,
      contentType: "plainText",
      channel: "EMAIL",
      direction: "out",
      fromEmailAddress: null,
      to: null,
      cc: "",
      bcc: "",
      status: "SUCCESS",
      isForward: false,
      hasAttach: false,
      attachmentCount: "0",
      attachments: [],
    },
  },
  contacts: {
    title: "Contact",
    scope: "contacts",
    trash: "contactIds",
    required: ["lastName"],
    usual: {
      ...empty("firstName lastName email secondaryEmail phone mobile accountId ownerId type title description"),
      isSpam: false,
      cf: {},
    },
    references: { accountId: "accounts" },
    unmodelled: ["viewId"],
  },
  accounts: {
    title: "Account",
    scope: "contacts",
    trash: "accountIds",
    required: ["accountName"],
    usual: {
      ...empty("accountName email phone website fax industry city state country code street description ownerId"),
      annualrevenue: "0",
      cf: {},
    },
    unmodelled: ["viewId"],
  },
  agents: {
    title: "Agent",
    scope: "agents",
    isFixed: true,
    isGiven: true,
    required: ["lastName", "emailId"],
    usual: {
      ...empty("firstName lastName emailId phone mobile photoURL roleId profileId"),
      status: "ACTIVE",
      isConfirmed: true,
      associatedDepartmentIds: [],
    },
    filters: { status: "status", departmentIds: "associatedDepartmentIds" },
    unmodelled: ["profileIds", "rolePermissionType", "searchStr", "fieldName", "isConfirmed", "isLightAgent"],
  },
  departments: {
    title: "Department",
    scope: "settings",
    isFixed: true,
    isGiven: true,
    required: ["name"],
    usual: {
      ...empty("name nameInCustomerPortal description"),
      isEnabled: true,
      isDefault: false,
      isVisibleInCustomerPortal: true,
      hasLogo: false,
      associatedAgentIds: [],
    },
    filters: { isEnabled: "isEnabled" },
    unmodelled: ["searchStr", "chatStatus"],
  },
};

/** Members that only Desk writes: ignored in the data of a client. */
export const COMPUTED = new Set([
  "id",
  "ticketNumber",
  "statusType",
  "closedTime",
  "createdTime",
  "modifiedTime",
  "webUrl",
  "threadCount",
  "commentCount",
  "commenterId",
  "commentedTime",
  "author",
]);

/** The department and the agent that every organisation has from its start. */
export const DEPARTMENT_ID = "1892000000006907";
export const AGENT_ID = "1892000000042001";
export const AGENT = {
  firstName: "Patricia",
  lastName: "Boyle",
  emailId: "patricia.boyle@example.com",
  associatedDepartmentIds: [DEPARTMENT_ID],
};

/** Members without a value. */
function empty(names: string): Data {
  return Object.fromEntries(names.split(" ").map((name) => [name, null]));
}
